"""Reads the words after `docker run`, `docker exec` and the like, as the docker client does."""

from typing import NamedTuple


class Refused(Exception):
    """What a command prints to its error output, and the status it ends with."""

    def __init__(self, text: str, status: int = 1) -> None:
        super().__init__(text)
        self.status = status


class Taken(NamedTuple):
    """Options with their values in order, and the words that follow."""

    options: dict[str, list[str]]
    words: list[str]

    def on(self, name: str) -> bool:
        """Tell whether a switch is set."""
        return self.last(name) not in {"", "false"}

    def last(self, name: str) -> str:
        """Return the last value of an option, or the empty text."""
        values = self.options.get(name)
        return values[-1] if values else ""

    def all(self, name: str) -> list[str]:
        """Return every value of an option."""
        return self.options.get(name, [])


class Grammar(NamedTuple):
    """The options of one docker command: those with a value, switches, and short names."""

    values: frozenset[str]
    switches: frozenset[str]
    short: dict[str, str]
    mixed: bool = True
    """Whether options may follow plain words; not so where the words are a command."""


def grammar(
    values: str = "", switches: str = "", short: str = "", *, mixed: bool = True
) -> Grammar:
    """Build a grammar from words; `short` holds pairs like `f=follow`."""
    pairs = dict(pair.split("=") for pair in short.split())
    return Grammar(frozenset(values.split()), frozenset(switches.split()), pairs, mixed)


_RUN_VALUES = """add-host annotation blkio-weight cap-add cap-drop cgroup-parent cgroupns cidfile
cpu-shares cpus cpuset-cpus cpuset-mems device device-cgroup-rule dns entrypoint env env-file
expose gpus group-add health-cmd health-interval health-retries health-start-period
health-timeout hostname ip ipc isolation label label-file log-driver log-opt mac-address memory
memory-reservation memory-swap memory-swappiness mount name network network-alias oom-score-adj
pid pids-limit platform publish pull restart runtime security-opt shm-size stop-signal
stop-timeout storage-opt sysctl tmpfs ulimit user userns uts volume volumes-from workdir"""
_RUN_SWITCHES = """detach init interactive no-healthcheck oom-kill-disable privileged publish-all
quiet read-only rm sig-proxy tty"""
_RUN_SHORT = """e=env l=label p=publish v=volume w=workdir u=user h=hostname m=memory d=detach
i=interactive t=tty q=quiet P=publish-all"""

GRAMMARS: dict[str, Grammar] = {
    "run": grammar(_RUN_VALUES, _RUN_SWITCHES, _RUN_SHORT, mixed=False),
    "exec": grammar(
        "env env-file user workdir detach-keys",
        "detach interactive tty privileged",
        "e=env u=user w=workdir d=detach i=interactive t=tty",
        mixed=False,
    ),
    "ps": grammar(
        "filter format last", "all no-trunc quiet size latest", "a=all f=filter q=quiet"
    ),
    "inspect": grammar("format type", "size", "f=format s=size"),
    "images": grammar("filter format", "all no-trunc quiet", "a=all f=filter q=quiet"),
    "logs": grammar(
        "tail since until", "follow timestamps details", "f=follow t=timestamps n=tail"
    ),
    "stop": grammar("time timeout signal", "", "t=time s=signal"),
    "kill": grammar("signal", "", "s=signal"),
    "rm": grammar("", "force volumes link", "f=force v=volumes l=link"),
    "top": grammar(mixed=False),
    "cp": grammar("", "archive follow-link quiet", "a=archive L=follow-link q=quiet"),
    "version": grammar("format", "", "f=format"),
    "info": grammar("format", "", "f=format"),
}


def take(command: str, words: list[str]) -> Taken:
    """Split `words` into options and the rest. Raises Refused for an unknown option."""
    rules = GRAMMARS[command]
    options: dict[str, list[str]] = {}
    rest: list[str] = []
    queue = list(words)
    while queue:
        word = queue.pop(0)
        if word == "--":
            rest += queue
            break
        if not word.startswith("-") or word == "-":
            rest.append(word)
            if not rules.mixed:
                rest += queue
                break
        elif word.startswith("--"):
            _long(command, word[2:], queue, options)
        else:
            _short(command, word[1:], queue, options)
    return Taken(options, rest)


def _long(command: str, word: str, queue: list[str], options: dict[str, list[str]]) -> None:
    rules = GRAMMARS[command]
    name, equals, value = word.partition("=")
    if name == "net":
        name = "network"
    if name in rules.switches:
        options.setdefault(name, []).append(value if equals else "true")
    elif name in rules.values:
        options.setdefault(name, []).append(value if equals else _next(command, name, queue))
    else:
        raise _unknown(command, f"unknown flag: --{name}")


def _short(command: str, letters: str, queue: list[str], options: dict[str, list[str]]) -> None:
    rules = GRAMMARS[command]
    for place, letter in enumerate(letters):
        name = rules.short.get(letter)
        if name is None:
            raise _unknown(command, f"unknown shorthand flag: '{letter}' in -{letters}")
        if name in rules.switches:
            options.setdefault(name, []).append("true")
            continue
        value = letters[place + 1 :].removeprefix("=") or _next(command, name, queue)
        options.setdefault(name, []).append(value)
        return


def _next(command: str, name: str, queue: list[str]) -> str:
    if not queue:
        raise _unknown(command, f"flag needs an argument: --{name}")
    return queue.pop(0)


def _unknown(command: str, text: str) -> Refused:
    return Refused(f"{text}\n\nUsage:  docker {command} [OPTIONS]\n", 125)


def labels(pairs: list[str]) -> dict[str, str]:
    """Read `key=value` and bare `key`. Raises Refused for a key with a blank in it."""
    found: dict[str, str] = {}
    for pair in pairs:
        key, _, found[key] = pair.partition("=")
        if any(sign.isspace() for sign in key):
            fault = f"label '{key}' contains whitespaces"
            raise _unknown("run", f'invalid argument "{pair}" for "-l, --label" flag: {fault}')
    return found


def mounts(volumes: list[str]) -> list[tuple[str, str]]:
    """Read `source:target[:options]`; a volume without a source is left out."""
    parts = [volume.split(":") for volume in volumes]
    return [(part[0], part[1]) for part in parts if len(part) > 1]
