"""The faults of the lab: each is a file in the state folder of a Spark, its content the detail."""

from dataclasses import dataclass
from enum import StrEnum

from spark_control.lab.errors import LabFaultUnknown


class Fault(StrEnum):
    """What can be broken on a Spark of the lab."""

    OFFLINE = "offline"
    FROZEN = "frozen"
    SLOW = "slow"
    CUT = "cut"
    HANDSHAKE_CUT = "handshake-cut"
    KEY_CHANGED = "key-changed"
    DISK_FULL = "disk-full"
    OUT_OF_MEMORY = "out-of-memory"
    WEDGE = "wedge"
    FAILED_LOAD = "failed-load"
    DIES_AFTER_LAUNCH = "dies-after-launch"
    NEVER_READY = "never-ready"
    LAUNCHER_HANGS = "launcher-hangs"
    LAUNCHER_LIES = "launcher-lies"
    LAUNCHER_SKIPS = "launcher-skips"
    OLDER_LAUNCHER = "older-launcher"
    NO_PEER_SSH = "no-peer-ssh"
    FOREIGN_ENGINE = "foreign-engine"
    STOP_FAILS = "stop-fails"
    PARSER_BROKEN = "parser-broken"
    SERVICE_FAILS = "service-fails"


HELP: dict[Fault, str] = {
    Fault.OFFLINE: "The Spark is off: no port is open and live connections break.",
    Fault.FROZEN: "The Spark takes connections and answers nothing.",
    Fault.SLOW: "Every command starts late; the parameter is the delay in seconds (3).",
    Fault.CUT: (
        "The connection breaks in the middle of the next command, once; the parameter is a text "
        "the command must hold, or `bytes N`: after N bytes of output."
    ),
    Fault.HANDSHAKE_CUT: (
        "Every new connection breaks before anybody is logged in; the parameter is after how many "
        "bytes of ours (300)."
    ),
    Fault.KEY_CHANGED: "The Spark was set up anew: its SSH server shows another host key.",
    Fault.DISK_FULL: "Nothing can be written and `df` shows 100 %.",
    Fault.OUT_OF_MEMORY: "Something else holds nearly all memory, so no engine can start.",
    Fault.WEDGE: "The engine is healthy and lists its model, and never makes a token.",
    Fault.FAILED_LOAD: "The engine dies while it loads.",
    Fault.DIES_AFTER_LAUNCH: (
        "The launcher succeeds and the engine is gone soon after; the parameter is seconds (1)."
    ),
    Fault.NEVER_READY: "The engine loads for ever.",
    Fault.LAUNCHER_HANGS: "The launcher prints a line and never returns.",
    Fault.LAUNCHER_LIES: "The launcher says it started something and did not.",
    Fault.LAUNCHER_SKIPS: (
        "A container of the same name is there when the launcher looks, so it starts none."
    ),
    Fault.OLDER_LAUNCHER: "The launch scripts are old: Ray, no solo launch, no launch scripts.",
    Fault.NO_PEER_SSH: "Other Sparks may not log in here; Spark Control may.",
    Fault.FOREIGN_ENGINE: (
        "Another program listens on the engine's port and serves another model; the parameter is "
        "the port (8888), and `container` to have it in one, `stubborn` to have it ignore TERM."
    ),
    Fault.PARSER_BROKEN: "vLLM's parser cannot be made in a container, as without a visible GPU.",
    Fault.SERVICE_FAILS: (
        "The speech and embedding services answer with 500; the parameter names one of them."
    ),
    Fault.STOP_FAILS: "The next `docker stop` or `docker rm` fails; the parameter is how many.",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A fault somebody asked for: which, where, and its parameter."""

    fault: Fault
    spark: str
    param: str = ""


def named(name: str) -> Fault:
    """Return the fault of that name. Raises LabFaultUnknown."""
    try:
        return Fault(name)
    except ValueError:
        raise LabFaultUnknown(f"{name!r} is not a fault of the lab.", param=name) from None


def parse(text: str) -> Wanted:
    """Read `NAME@SPARK` or `NAME=PARAM@SPARK`. Raises LabFaultUnknown."""
    what, at, spark = text.rpartition("@")
    if not at or not spark:
        raise LabFaultUnknown(f"{text!r} does not name a Spark.", param=text)
    name, _, param = what.partition("=")
    return Wanted(named(name), spark, param)


def help_text() -> str:
    """Return one line for each fault."""
    width = max(len(fault) for fault in Fault)
    return "\n".join(f"{fault:<{width}}  {HELP[fault]}" for fault in Fault)
