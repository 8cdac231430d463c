"""Whether the models of the menu fit, remembered for as long as nothing about them has changed."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from spark_control.models.assess import assess, usual_spark
from spark_control.models.domain import NO_ROOM, Kind, Model, Room
from spark_control.models.fit import Fit

Rooms = Callable[[Model], Room]
"""What is known of the place a model would be loaded in."""


def fit_there(model: Model, room: Room) -> Fit:
    """Return whether `model` fits the Spark that a swap takes when nobody names one."""
    return assess(model, room, usual_spark(model, room))


@dataclass(slots=True)
class Fits:
    """Answers for each line of the menu; the arithmetic is done once for a model and its room."""

    rooms: Rooms = lambda _: NO_ROOM
    work_out: Callable[[Model, Room], Fit] = fit_there
    _known: dict[str, tuple[Model, Room, Fit]] = field(init=False, default_factory=dict)

    def of(self, model: Model) -> Fit | None:
        """Return the fit as the next swap would launch it; None for what is no chat model."""
        if model.kind not in {Kind.CHAT, Kind.UNKNOWN}:
            return None
        room = self.rooms(model)
        known = self._known.get(model.key)
        # A new look at the disks makes new objects of the same values.
        if known is None or not (known[0] is model or known[0] == model) or known[1] != room:
            known = self._known[model.key] = model, room, self.work_out(model, room)
        return known[2]

    def keep_only(self, models: Iterable[Model]) -> None:
        """Forget the models that are not on the menu any more."""
        keys = {model.key for model in models}
        for gone in [key for key in self._known if key not in keys]:
            del self._known[gone]
