"""What the fields of a recipe may hold, checked before a recipe is used or stored.

Every check returns the value in its one spelling or raises BadRecipe, naming the field.
"""

import re
from collections.abc import Mapping, Sequence

from spark_control.models.domain import Mode, is_key
from spark_control.models.errors import BadRecipe
from spark_control.models.flags import Family, find

_REPO = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(?:/[A-Za-z0-9][A-Za-z0-9._-]*)?")
_PATH = re.compile(r"(?:/[A-Za-z0-9._@+-]+)+")
_IMAGE = re.compile(
    r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?::[0-9]{1,5}(?=/))?(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*"
    r"(?::[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(?:@sha256:[0-9a-f]{64})?"
)
_MOD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(?:/[A-Za-z0-9][A-Za-z0-9._-]*)*")
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_SECRET_NAME = re.compile(r"(?:.*_)?(?:TOKEN|KEY|SECRET|PASSWORD)", re.IGNORECASE)

_CHAT_TEMPLATE = Family((("--chat-template", "--chat-template"),))
_LAUNCHER = "the launcher sets it from the mode and the Sparks"
_NOT_OURS = (
    (Family((("-tp", "-tp"), ("--tensor-parallel-size", "--tensor"))), _LAUNCHER),
    (Family((("--port", "--port"), ("--host", "--host"))), "it is set from the settings"),
    (Family((("--served-model-name", "--served"),)), "the key and the repo are served as names"),
    (Family((("--model", "--model"),)), "the repo or the path is the model"),
    (Family((("--distributed-executor-backend", "--distributed-exec"),)), _LAUNCHER),
    (Family((("--nnodes", "--nn"), ("--node-rank", "--node-r"))), _LAUNCHER),
    (Family((("--master-addr", "--master-a"), ("--master-port", "--master-p"))), _LAUNCHER),
    (Family((("--headless", "--headl"),), takes_value=False), _LAUNCHER),
    (Family((("--api-key", "--api-k"),)), "a secret in a command shows in `ps`"),
)


def key(value: object) -> str:
    """Check a key: it names the model in URLs and is a name the engine serves."""
    if isinstance(value, str) and is_key(value):
        return value
    raise BadRecipe(
        "key must be 1 to 64 of a-z, 0-9, dot, underscore and dash (not in front), "
        "and not `lock` or `suggest`.",
        param="key",
    )


def line(value: object, field: str, *, longest: int) -> str:
    """Check one line of text that is not blank."""
    if not isinstance(value, str) or not value.strip():
        raise BadRecipe(f"{field} must be a text that is not blank.", param=field)
    if len(value) > longest or not value.isprintable():
        raise BadRecipe(f"{field} must be one line of at most {longest} characters.", param=field)
    return value.strip()


def notes(value: object) -> str:
    """Check the notes, which may have several lines."""
    if not isinstance(value, str) or len(value) > 4000 or "\0" in value:
        raise BadRecipe("notes must be a text of at most 4000 characters.", param="notes")
    return value.strip()


def mode(value: object) -> Mode:
    """Check the mode."""
    if value in (Mode.SOLO, Mode.CLUSTER):
        return Mode(str(value))
    raise BadRecipe("mode must be `solo` or `cluster`.", param="mode")


def repo(value: object) -> str:
    """Check the name of a repository on Hugging Face."""
    if isinstance(value, str) and len(value) <= 128 and _REPO.fullmatch(value):
        return value
    raise BadRecipe("repo must look like `org/name`.", param="repo")


def local_path(value: object) -> str:
    """Check the folder of a local model; it is mounted at the same path in the container."""
    path = value.removesuffix("/") if isinstance(value, str) else ""
    if len(path) > 512 or not _PATH.fullmatch(path):
        raise BadRecipe(
            "local_path must be an absolute path of letters, digits and . _ @ + - only.",
            param="local_path",
        )
    if {".", ".."} & set(path.split("/")):
        raise BadRecipe("local_path must not hold `.` or `..` as a folder.", param="local_path")
    return path


def image(value: object) -> str:
    """Check the name of a container image."""
    if isinstance(value, str) and len(value) <= 255 and _IMAGE.fullmatch(value):
        return value
    raise BadRecipe("image must be the name of a container image.", param="image")


def mods(value: object) -> tuple[str, ...]:
    """Check the mods: folders below the launch directory."""
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) > 16:
        raise BadRecipe("mods must be a list of at most 16 texts.", param="mods")
    for mod in value:
        if not isinstance(mod, str) or len(mod) > 200 or not _MOD.fullmatch(mod):
            raise BadRecipe("mods must hold paths below the launch directory.", param="mods")
    return tuple(value)


def env(value: object) -> tuple[tuple[str, str], ...]:
    """Check the variables of the container; numbers become texts."""
    if not isinstance(value, Mapping) or len(value) > 64:
        raise BadRecipe("env must be names with values, at most 64.", param="env")
    return tuple((_env_name(name), _word(text, "env")) for name, text in value.items())


def _env_name(name: object) -> str:
    if not isinstance(name, str) or not _ENV_NAME.fullmatch(name):
        raise BadRecipe("env must hold names like `VLLM_LOGGING_LEVEL`.", param="env")
    if _SECRET_NAME.fullmatch(name):
        raise BadRecipe(
            f"env must not hold {name}: a secret there shows in `ps` on the Spark.",
            hint="Keep tokens in the settings.",
            param="env",
        )
    return name


def vllm_args(value: object) -> tuple[str, ...]:
    """Check the words for `vllm serve`; numbers become texts."""
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) > 256:
        raise BadRecipe("vllm_args must be a list of at most 256 words.", param="vllm_args")
    words = tuple(_word(word, "vllm_args") for word in value)
    if words and not words[0].startswith("-"):
        raise BadRecipe(
            "vllm_args must start with a flag: the model itself is left out.", param="vllm_args"
        )
    for taken, reason in _NOT_OURS:
        if used := find(words, taken):
            raise BadRecipe(
                f"vllm_args must not hold {used[0].name}: {reason}.", param="vllm_args"
            )
    return words


def without_ours(words: Sequence[str]) -> tuple[tuple[str, ...], list[tuple[str, str]]]:
    """Return `words` without the flags that must not be in them; and each one with the reason."""
    left, kept = [], list(words)
    for taken, reason in _NOT_OURS:
        while used := find(kept, taken):
            first = used[0]
            stop = first.stop
            # Several names may be served; what follows the flag up to the next one is one.
            while first.name == "--served-model-name" and kept[stop : stop + 1]:
                if kept[stop].startswith("-"):
                    break
                stop += 1
            del kept[first.start : stop]
            left.append((first.name, reason))
    return tuple(kept), left


def _word(value: object, field: str) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise BadRecipe(f"{field} must hold texts; put quotes around the value.", param=field)
    if len(value) > 4096 or any(char in value for char in "\0\n\r"):
        raise BadRecipe(f"{field} holds a line break or a value that is too long.", param=field)
    return value


def chat_template(args: Sequence[str], path: str) -> None:
    """Check that a template of a local model lies in its folder: nothing else is mounted."""
    for use in find(args, _CHAT_TEMPLATE):
        parts = (use.value or "").split("/")
        if not (use.value or "").startswith(f"{path}/") or {".", ".."} & set(parts):
            raise BadRecipe("The chat template must lie inside local_path.", param="vllm_args")
