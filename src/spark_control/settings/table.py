"""The table of all settings: name, default, unit, secrecy, help, and whether a change is live."""

import re
from dataclasses import dataclass

from spark_control.settings import kinds
from spark_control.settings.kinds import Reader


@dataclass(frozen=True, slots=True)
class Setting:
    """One row. `of_spark` n: a blank value is the host or user of Spark n."""

    name: str
    default: str
    help: str
    read: Reader
    group: str
    unit: str = ""
    secret: bool = False
    live: bool = True
    of_spark: int = 0
    used: bool = True
    """False: the value is kept for a part that this version does not have yet."""
    instead: str = ""
    """What a malformed value counts as, where falling back would open a door."""


def _service(
    name: str, title: str, container: str, port: int, *, used: bool = True
) -> list[Setting]:
    group = "services"
    return [
        Setting(f"{name}_HOST", "", f"Host of {title}.", kinds.host, group, of_spark=2,
                used=used),
        Setting(f"{name}_USER", "", f"SSH user there, for {title}.", kinds.user, group,
                of_spark=2, used=False),
        Setting(f"{name}_CONTAINER", container, f"Container of {title}.", kinds.container, group,
                used=False),
        Setting(f"{name}_PORT", str(port), f"Port of {title}.", kinds.port, group, used=used),
    ]  # fmt: skip


def _start(name: str, default: str, text: str, read: Reader, *, used: bool = True) -> Setting:
    return Setting(name, default, text, read, "start", live=False, used=used)


START = (
    _start("DATA_DIR", "", "Folder of all files; a per-user folder when blank.", kinds.path),
    _start("BIND", "127.0.0.1", "Address to listen on; 0.0.0.0 is every address.", kinds.host),
    _start("PORT", "9999", "Port to listen on; 0 takes a free one.",
           kinds.number(0, 65535)),
    _start("GATEWAY_WORKERS", "1", "Processes that take requests; more help when one core is not "
           "enough.", kinds.number(1, 32)),
    _start("APP_SETTINGS", "", "Settings file; `app_settings.json` in the data directory when "
           "blank.", kinds.path),
    _start("MODELS_OVERRIDES", "", "Knobs and custom models; `models-overrides.yaml` in the data "
           "directory when blank.", kinds.path),
    _start("SERVICES_OVERRIDES", "", "Custom services; `services-overrides.yaml` in the data "
           "directory when blank.", kinds.path, used=False),
    _start("CONNECTIVITY_LOG", "", "Old connectivity log, read once; `connectivity.json` in the "
           "data directory when blank.", kinds.path, used=False),
    _start("REDACTION_MAP_DB", "", "Redaction map; in the data directory when blank.", kinds.path,
           used=False),
    Setting("DATABASE_URL", "", "Database; `spark-control.db` in the data directory when blank.",
            kinds.text, "start", secret=True, live=False),
    _start("SSH_KEY_PATH", "", "SSH key of Spark Control; made in `ssh/` of the data directory "
           "when blank.", kinds.path),
    Setting("AUTH", "", "`token` asks for the owner token, `off` lets in everybody who reaches "
            "the port. Blank: off on loopback, token beyond it.", kinds.choice("token", "off"),
            "access", live=False, instead="token"),
    Setting("AUTH_TOKEN", "", "Owner token to use instead of a generated one; beyond loopback "
            "at least 16 characters.", kinds.text, "access", secret=True, live=False),
    Setting("ALLOWED_ORIGINS", "", "Origins of other sites whose pages may call the API, with "
            "commas between them. Their host names are accepted as names of this one too.",
            kinds.origins, "access"),
)  # fmt: skip

ENGINE = (
    Setting("VLLM_HOST", "", "Address at which the engine of Spark 1 is reached.", kinds.host,
            "engine", of_spark=1, used=False),
    Setting("VLLM_PORT", "8888", "Port of the engine on every Spark.", kinds.port, "engine"),
    Setting("VLLM_CONTAINER", "vllm_node", "Name of the engine's container.", kinds.container,
            "engine"),
    Setting("VLLM_LAUNCH_DIR", "~/spark-vllm-docker", "Launch scripts on the Sparks.",
            kinds.path, "engine"),
    Setting("UPSTREAMS", "", "JSON list of OpenAI-shaped servers that are not launched here.",
            kinds.upstreams, "engine", secret=True),
    Setting("ALIASES", "", "JSON object from a name that apps use to a model of the menu.",
            kinds.json_object, "engine"),
)  # fmt: skip

SERVICES = (
    *_service("PARAKEET", "speech to text (Parakeet)", "parakeet-asr", 8000),
    *_service("MAGPIE", "text to speech (Magpie)", "magpie-tts", 9000),
    *_service("KOKORO", "text to speech (Kokoro)", "kokoro", 8880),
    *_service("EMBED", "embeddings", "embeddings", 8001),
    *_service("QDRANT", "the vector store (Qdrant)", "qdrant", 6333, used=False),
    Setting("QDRANT_API_KEY", "", "API key of Qdrant.", kinds.text, "services", secret=True,
            used=False),
    Setting("DISABLED_SERVICES", "", "Services that are not asked: no tile, probe or event. With "
            "commas between them.", kinds.words, "services"),
    Setting("SPEECH_BACKENDS", "", "Order of speech services; the first healthy one serves. A "
            "server of `UPSTREAMS` that is named here is asked too.", kinds.words, "services"),
    Setting("SPEECH_WORKER", "off", "`embedded` runs the speech worker here.",
            kinds.choice("embedded", "off"), "services", used=False),
    Setting("NGC_API_KEY", "", "Key for NVIDIA's registry.", kinds.text, "services", secret=True,
            used=False),
    Setting("HF_TOKEN", "", "Hugging Face token for gated models.", kinds.text, "services",
            secret=True, used=False),
    Setting("OPEN_WEBUI_URL", "", "Address of Open WebUI, for the link on the page.", kinds.url,
            "services"),
)  # fmt: skip

LIMITS = (
    Setting("MAX_BODY_MB", "64", "Largest request body.", kinds.number(1, 65536), "limits", "MB"),
    Setting("MAX_UPLOAD_MB", "512", "Largest audio upload.", kinds.number(1, 65536), "limits",
            "MB"),
    Setting("MAX_DIARIZE_SECONDS", "1800", "Longest audio of one diarizer pass.",
            kinds.number(1, 86400), "limits", "s", used=False),
    Setting("AUDIO_IN_FLIGHT", "2", "Requests at once for each speech service; "
            "each gateway worker lets at least one through.",
            kinds.number(1, 3), "limits"),
    Setting("ENGINE_IN_FLIGHT", "256", "Requests at once for each engine; more wait.",
            kinds.number(1, 100000), "limits"),
    Setting("QUEUE_LENGTH", "256", "Requests that wait for each engine; more are refused.",
            kinds.number(0, 100000), "limits"),
    Setting("QUEUE_WAIT_S", "60", "Longest time in that queue.", kinds.number(1, 1800), "limits",
            "s"),
    Setting("QUEUE_SHARE", "50", "Part of the places in the queue that one client may have.",
            kinds.number(1, 100), "limits", "%"),
    Setting("REQUESTS_DAYS", "30", "How long records of requests are kept.",
            kinds.number(1, 3650), "limits", "days"),
    Setting("DEEP_HEALTH_INTERVAL_S", "300", "Time between deep probes.", kinds.number(10, 86400),
            "limits", "s", used=False),
    Setting("AUTO_RESTART", "on", "Restart a wedged service.", kinds.flag, "limits", used=False),
    Setting("WEBHOOK_URL", "", "Receiver of webhooks.", kinds.url, "webhooks", secret=True,
            used=False),
    Setting("WEBHOOK_SECRET", "", "Key that signs webhooks.", kinds.text, "webhooks", secret=True,
            used=False),
    Setting("REDACTION_MAP_KEY", "", "Key of the redaction map; a 0600 file beside the map when "
            "blank.", kinds.text, "redaction", secret=True, live=False, used=False),
)  # fmt: skip

TABLE: dict[str, Setting] = {row.name: row for row in (*START, *ENGINE, *SERVICES, *LIMITS)}

MAX_SPARKS = 64
_SPARK = re.compile(r"^SPARK([1-9]\d?)_(HOST|USER|PORT|NAME)$")
_SPARK_ROWS = {
    "HOST": (
        "Host name or address of Spark {n}; `localhost` without a user is this machine, "
        "without SSH.",
        kinds.host,
        "",
    ),
    "USER": ("SSH user on Spark {n}; the SSH client's default when blank.", kinds.user, ""),
    "PORT": ("SSH port of Spark {n}.", kinds.port, "22"),
    "NAME": ("Name of Spark {n} on the page.", kinds.container, "spark{n}"),
}


def spark_setting(name: str) -> Setting | None:
    """Return the row of `SPARKn_HOST` and its like, or None for another name."""
    found = _SPARK.match(name)
    if not found or int(found[1]) > MAX_SPARKS:
        return None
    text, read, default = _SPARK_ROWS[found[2]]
    return Setting(
        name, default.format(n=found[1]), text.format(n=found[1]), read, "sparks", live=True
    )


def setting_of(name: str) -> Setting | None:
    """Return the row of `name`, of the table or of a Spark."""
    return TABLE.get(name) or spark_setting(name)
