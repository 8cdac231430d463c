"""Wires the door."""

import socket
from collections.abc import Callable

from spark_control.access.adapters.key_file import KeyFile
from spark_control.access.owner import Owner, decide
from spark_control.access.ports import KeyStore
from spark_control.access.usecases import Access
from spark_control.app.boot import Boot
from spark_control.core.clock import Clock
from spark_control.settings.domain import Settings


def wire_owner(boot: Boot) -> Owner:
    """Decide who must show a token; keys of a new data directory are made and kept."""
    store: KeyStore = KeyFile(boot.data.root / "access.json")
    kept = store.read()
    owner = decide(
        auth=boot.auth, bind=boot.started.text("BIND"),
        given=boot.given_token, kept=kept, taken_over=boot.taken_over,
    )  # fmt: skip
    if owner.save is not None:
        store.write(owner.save)
    return owner


def wire_access(owner: Owner, settings: Callable[[], Settings], clock: Clock) -> Access:
    """Return the door, with the names this machine has."""
    own = socket.gethostname().lower()
    names = frozenset({own, f"{own.split('.', 1)[0]}.local"})
    return Access(
        required=owner.required, keys=owner.keys, names=names, settings=settings, clock=clock
    )
