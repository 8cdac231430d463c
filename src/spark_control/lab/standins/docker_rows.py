"""What docker tells about containers and images, as the objects its listings are made of."""

import re
from datetime import datetime

from spark_control.lab.standins.box import Json
from spark_control.lab.standins.containers import Container
from spark_control.lab.standins.docker_args import Refused

PS_COLUMNS = {
    "ID": "CONTAINER ID",
    "Image": "IMAGE",
    "Command": "COMMAND",
    "RunningFor": "CREATED",
    "Status": "STATUS",
    "Ports": "PORTS",
    "Names": "NAMES",
}
IMAGE_COLUMNS = {
    "Repository": "REPOSITORY",
    "Tag": "TAG",
    "ID": "IMAGE ID",
    "CreatedSince": "CREATED",
    "Size": "SIZE",
}
_STEPS = ((86400, "day"), (3600, "hour"), (60, "minute"))


def ago(stamp: str, now: datetime) -> str:
    """Return how long ago a time of docker's was, in docker's words."""
    if not stamp:
        return ""
    seconds = (now - datetime.fromisoformat(stamp[:19] + "+00:00")).total_seconds()
    for size, name in _STEPS:
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {name}{'s' if count > 1 else ''}" if count > 1 else f"About a {name}"
    return f"{max(int(seconds), 1)} second{'s' if seconds >= 2 else ''}"


def status(one: Container, now: datetime) -> str:
    """Return the words of the STATUS column."""
    if one.running:
        return f"Up {ago(str(one.meta.get('started', '')), now)}"
    if one.meta.get("state") == "exited":
        since = ago(str(one.meta.get("finished", "")), now)
        return f"Exited ({one.meta.get('exit_code', 0)}) {since} ago"
    return "Created"


def state(one: Container) -> str:
    """Return `running`, `exited` or `created`."""
    if one.running:
        return "running"
    return "exited" if one.meta.get("state") in {"exited", "running"} else "created"


def ps_row(one: Container, now: datetime, *, whole: bool = False) -> Json:
    """Return the row of `docker ps`."""
    command = " ".join(one.texts("command"))
    since = ago(str(one.meta["created"]), now)
    return {
        "Command": f'"{command if whole else command[:20]}"',
        "CreatedAt": str(one.meta["created"])[:19].replace("T", " ") + " +0000 UTC",
        "ID": one.id if whole else one.id[:12],
        "Image": one.meta["image"],
        "Labels": ",".join(f"{key}={value}" for key, value in one.labels().items()),
        "LocalVolumes": "0",
        "Mounts": ",".join(source for source, _ in one.mounts()),
        "Names": one.name,
        "Networks": one.meta.get("network") or "bridge",
        "Ports": "",
        "RunningFor": f"{since} ago",
        "Size": "0B",
        "State": state(one),
        "Status": status(one, now),
    }


def inspected(one: Container) -> Json:
    """Return the object of `docker inspect`."""
    words = one.texts("command")
    code = int(str(one.meta.get("exit_code", 0)))
    return {
        "Id": one.id,
        "Created": one.meta["created"],
        "Path": words[0] if words else "",
        "Args": words[1:],
        "State": {
            "Status": state(one),
            "Running": one.running,
            "Paused": False,
            "Restarting": False,
            "OOMKilled": False,
            "Dead": False,
            "Pid": int(str(one.meta.get("pid", 0))) if one.running else 0,
            "ExitCode": code,
            "Error": "",
            "StartedAt": one.meta.get("started", "0001-01-01T00:00:00Z"),
            "FinishedAt": one.meta.get("finished", "0001-01-01T00:00:00Z"),
        },
        "Image": one.meta["image_id"],
        "Name": f"/{one.name}",
        "RestartCount": 0,
        "Mounts": [
            {"Type": "bind", "Source": source, "Destination": target, "RW": True}
            for source, target in one.mounts()
        ],
        "HostConfig": {
            "NetworkMode": one.meta.get("network") or "bridge",
            "AutoRemove": bool(one.meta.get("remove")),
            "Privileged": bool(one.meta.get("privileged")),
        },
        "Config": {
            "Image": one.meta["image"],
            "Labels": one.labels(),
            "Env": one.texts("env"),
            "Cmd": words,
        },
    }


def image_row(image: Json, now: datetime) -> Json:
    """Return the row of `docker images`."""
    return {
        "Repository": image["repository"],
        "Tag": image["tag"],
        "ID": str(image["id"]).removeprefix("sha256:")[:12],
        "CreatedSince": f"{ago(str(image['created']), now)} ago",
        "CreatedAt": str(image["created"])[:19].replace("T", " ") + " +0000 UTC",
        "Size": f"{int(str(image['size'])) / 1e9:.3g}GB",
    }


def image_inspected(image: Json) -> Json:
    """Return the object of `docker image inspect`."""
    return {
        "Id": image["id"],
        "RepoTags": [f"{image['repository']}:{image['tag']}"],
        "RepoDigests": [],
        "Created": image["created"],
        "Architecture": "arm64",
        "Os": "linux",
        "Size": image["size"],
        "Config": {"Labels": {}, "Env": [], "Cmd": ["bash"]},
    }


def passes(one: Container, filters: list[str]) -> bool:
    """Tell whether a container meets docker's `--filter`s: same key any, labels all."""
    wanted: dict[str, list[str]] = {}
    for pair in filters:
        key, _, value = pair.partition("=")
        wanted.setdefault(key, []).append(value)
    labels = wanted.pop("label", [])
    return all(_has_label(one, value) for value in labels) and all(
        any(_meets(one, key, value) for value in values) for key, values in wanted.items()
    )


def _meets(one: Container, key: str, value: str) -> bool:
    match key:
        case "name":
            return bool(re.search(value, one.name) or re.search(value, f"/{one.name}"))
        case "id":
            return one.id.startswith(value)
        case "status":
            return value == state(one)
        case "ancestor":
            return value in {one.meta["image"], one.meta["image_id"]}
        case _:
            raise Refused(f"Error response from daemon: invalid filter '{key}'\n")


def _has_label(one: Container, wanted: str) -> bool:
    key, equals, value = wanted.partition("=")
    held = one.labels()
    return key in held and (not equals or held[key] == value)
