"""The fits of the menu are worked out once for each model and its room."""

from dataclasses import replace

from spark_control.models.domain import NO_ROOM, Facts, Kind, Menu, Model, Room
from spark_control.models.fit import Fit, Verdict
from spark_control.models.fits import Fits, fit_there
from spark_control.models.shapes import keys_by_source, loaded_on, render

GIB = 1 << 30


class Counting:
    """Works out, and counts for which models."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, model: Model, room: Room) -> Fit:
        self.asked.append(model.key)
        return fit_there(model, room)


def model(key: str, **more: object) -> Model:
    plain = Model(
        key=key, name=key, repo=f"org/{key}", kind=Kind.CHAT, hosts=("spark1",),
        complete_on=("spark1",), weight_bytes=20 * GIB, facts=Facts(context=4096),
    )  # fmt: skip
    return replace(plain, **more)  # type: ignore[arg-type]  # fields by name


def test_a_menu_is_worked_out_once_however_often_it_is_shown() -> None:
    count, memory = Counting(), {"spark1": 120 * GIB}
    fits = Fits(lambda _: Room(dict(memory)), count)
    menu = Menu(models=tuple(model(f"m{n}") for n in range(200)))
    shown = [render(menu, {}, fits) for _ in range(3)]
    assert len(count.asked) == 200
    assert shown[0] == shown[2]
    # A new look at the disks: new objects, the same values.
    render(Menu(models=tuple(replace(one) for one in menu.models)), {}, fits)
    assert len(count.asked) == 200


def test_what_changes_is_worked_out_anew_and_nothing_else() -> None:
    count, rooms = Counting(), {"a": NO_ROOM, "b": NO_ROOM}
    fits = Fits(lambda one: rooms[one.key], count)
    first, second = model("a"), model("b")
    for one in (first, second, replace(first, weight_bytes=30 * GIB), second):
        fits.of(one)
    assert count.asked == ["a", "b", "a"]
    rooms["b"] = Room({"spark1": 120 * GIB})
    fits.of(second)
    assert count.asked == ["a", "b", "a", "b"]


def test_models_that_are_gone_are_forgotten() -> None:
    count = Counting()
    fits = Fits(work_out=count)
    render(Menu(models=(model("a"), model("b"))), {}, fits)
    render(Menu(models=(model("b"),)), {}, fits)
    render(Menu(models=(model("a"), model("b"))), {}, fits)
    assert count.asked == ["a", "b", "a"]


def test_what_is_no_chat_model_is_not_asked() -> None:
    count = Counting()
    fits = Fits(work_out=count)
    assert fits.of(model("a", kind=Kind.EMBEDDING)) is None
    found = fits.of(model("a", kind=Kind.UNKNOWN))
    assert found is not None
    assert found.verdict is Verdict.UNKNOWN
    assert render(Menu(models=(model("a", kind=Kind.DRAFT),)), {}).models[0].fit is None
    assert count.asked == ["a"]


def test_where_a_model_is_loaded() -> None:
    one, twin = model("one", repo="org/x"), model("twin", repo="org/x")
    keys = keys_by_source([one, twin])
    assert keys == {"org/x": ["one", "twin"]}
    assert loaded_on(one, keys, {"one": ["spark1"], "org/x": ["spark1", "spark2"]}) == [
        "spark1", "spark2",
    ]  # fmt: skip
    assert loaded_on(twin, keys, {"one": ["spark1"], "org/x": ["spark1"]}) == []
    assert loaded_on(model("none"), {}, {}) == []
