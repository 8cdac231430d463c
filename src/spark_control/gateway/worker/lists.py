"""The lists of models and voices, and the row of one model, as whole answers."""

from collections.abc import Sequence
from urllib.parse import unquote_to_bytes

import msgspec

from spark_control.gateway import services
from spark_control.gateway.errors import ModelNotFound
from spark_control.gateway.record import MODEL_PATH
from spark_control.gateway.route import Routes, models
from spark_control.gateway.services import Service
from spark_control.gateway.worker.answers import status_line
from spark_control.gateway.worker.known import MODELS_PATH, VOICES_PATH

LONGEST_SHOWN = 200
Listing = tuple[bytes, bytes]
"""The begin of the head of an answer, and its body."""


class Lists:
    """What can be asked, by one state."""

    __slots__ = ("_by_name", "_routes", "_whole")

    def __init__(self, routes: Routes, there: Sequence[Service]) -> None:
        rows = [*models(routes.scene.staying), *services.model_rows(there)]
        self._routes = routes
        self._by_name = {str(row["id"]): row for row in reversed(rows)}
        self._whole = {
            MODELS_PATH: _listing({"object": "list", "data": rows}),
            VOICES_PATH: _listing({"object": "list", "voices": services.voice_rows(there)}),
        }

    def answer(self, path: str) -> Listing:
        """Return a list, or the row of one model. Raises ModelNotFound."""
        found = self._whole.get(path)
        return found if found is not None else self._one(name_in(path) or "")

    def _one(self, name: str) -> Listing:
        """Return the row of a model, also by another name that requests may have."""
        row = self._by_name.get(name)
        if row is None:
            choice = self._routes.find(name)
            if choice is None:
                loaded = [target.key for target in self._routes.scene.staying]
                there = ", ".join(loaded) or "none"
                raise ModelNotFound(
                    f"There is no model {name[:LONGEST_SHOWN]!r} now. Loaded: {there}.",
                    param="model", detail={"loaded": loaded},
                )  # fmt: skip
            row = {**models(choice.targets[:1])[0], "id": name}
        return _listing(row)


def name_in(path: str) -> str | None:
    """Return the model that the path of a request for its row names; None for a list."""
    if not path.startswith(MODEL_PATH):
        return None
    name = path.removeprefix(MODEL_PATH).encode("latin-1")
    return unquote_to_bytes(name).decode("utf-8", "replace")


def _listing(value: object) -> Listing:
    body = msgspec.json.encode(value)
    head = b"content-type: application/json\r\ncontent-length: %d\r\n" % len(body)
    return status_line(200) + head, body
