"""How the fleet looks."""

import pytest

from spark_control.cli.answer import Answer
from spark_control.cli.render import status as view
from spark_control.swap.shapes import SwapShape
from tests.unit.cli import samples
from tests.unit.cli.look import look

URL = "http://127.0.0.1:9999"


def page(status: dict[str, object], hardware: Answer | None = None, *, width: int = 80) -> str:
    return look(view.render(Answer(status), hardware or Answer(), URL), width=width)


def test_two_sparks_one_of_them_gone() -> None:
    assert (
        page(samples.status(), samples.answer(samples.hardware()))
        == """\
Spark Control 0.1.0 at http://127.0.0.1:9999

Spark   Engine         Memory             GPU   Temp   Power  Disk free
spark1  Serving        68.3 of 119.7 GiB  34 %  58 °C  97 W   1.9 of 3.7 TB
spark2  Not reachable  68.3 of 119.7 GiB  34 %  58 °C  97 W   1.9 of 3.7 TB
! spark2: spark2 does not answer. Its numbers were read 14 min ago. Check that
the Spark is on.

Loaded: smollm2 on spark1
Ask it at http://127.0.0.1:9999/v1"""
    )


def test_what_is_not_known_is_a_dash() -> None:
    shown = page(samples.status()).splitlines()
    assert shown[3].split() == ["spark1", "Serving", *"-----"]
    assert shown[4].split() == ["spark2", "No", "engine", *"-----"]


def test_an_answer_that_says_nothing_is_shown_all_the_same() -> None:
    assert (
        page({})
        == """\
Spark Control at http://127.0.0.1:9999

No Sparks yet: add one with `spark-control hosts add ADDRESS`.

No model is loaded. `spark-control models` lists what there is."""
    )
    odd = page(
        {"sparks": [None, {"reachable": False, "error": {}}], "loaded": [3], "notices": [0]}
    )
    assert "Not reachable" in odd
    assert "! -: No answer." in odd
    assert "Loaded: - on -" in odd


def test_numbers_of_several_gpus_and_disks() -> None:
    gpu = {"utilisation_percent": 5.0, "temperature_c": 40.0, "power_w": 10.0}
    disks = [{"uses": ["system"], "free_bytes": 1, "total_bytes": 2},
             {"uses": ["models"], "free_bytes": 5e9, "total_bytes": 9e9}]  # fmt: skip
    busy = {"gpus": [gpu, {**gpu, "utilisation_percent": 0.0, "temperature_c": 61.0}],
            "disks": disks, "memory": {"used_bytes": 0, "total_bytes": 1 << 30}}  # fmt: skip
    assert view.numbers(Answer(busy)) == [
        "0.0 of 1.0 GiB",
        "5 %",
        "61 °C",
        "20 W",
        "5.0 of 9.0 GB",
    ]
    bare = {"temperature_c": 39.6, "disks": disks[:1]}
    assert view.numbers(Answer(bare)) == ["-", "-", "40 °C", "-", "0.0 of 0.0 GB"]


def test_an_idle_gpu_is_zero_and_not_unknown() -> None:
    gpu = {"utilisation_percent": 0.0, "power_w": 0.0}
    assert view.numbers(Answer({"gpus": [gpu]}))[1:4] == ["0 %", "-", "0 W"]


@pytest.mark.parametrize(
    ("played", "words"),
    [
        (None, None),
        ("scripted", "demo: scripted answers"),
        ("llama.cpp", "demo: tiny model on llama.cpp"),
        ("puppets", "demo: puppets"),
    ],
)
def test_the_demo_says_how_an_engine_is_played(played: str | None, words: str | None) -> None:
    assert view.played(Answer({"played": played})) == words
    loaded = [{"model": "m", "names": ["m"], "spark": "spark1", "sparks": ["spark1"],
               "played": played}]  # fmt: skip
    assert ("demo: " in page(samples.status(loaded=loaded))) == (words is not None)


def test_the_demo_says_that_it_is_one() -> None:
    head = page(samples.status(demo=True)).splitlines()[0]
    assert head.endswith("Demo: simulated Sparks")


@pytest.mark.parametrize(
    ("swap", "words"),
    [
        (samples.swap(), "Switching to smollm2 on spark1: loading, 58 %"),
        (samples.swap(state="queued", phase=None, progress=None, spark=None),
         "Switching to smollm2: queued"),
        (samples.ready(), "Last swap: smollm2 on spark1 ready after 12 s"),
        (samples.failed(), "Last swap: smollm2 on spark1 failed after 12 s."),
        (samples.failed(error=None, elapsed_s=None), "Last swap: smollm2 on spark1 failed"),
    ],
)  # fmt: skip
def test_the_swap_is_shown(swap: SwapShape, words: str) -> None:
    assert words in page(samples.status(swap=swap.model_dump()), width=120)


def test_notices() -> None:
    notices = [{"code": "a", "message": "No token is asked for.", "hint": "Set AUTH."},
               {"code": "b", "message": "Another."}]  # fmt: skip
    shown = page(samples.status(notices=notices)).splitlines()
    assert shown[-2:] == ["! No token is asked for. Set AUTH.", "! Another."]


def test_an_engine_over_two_sparks() -> None:
    status = samples.status()
    both = ["spark1", "spark2"]
    part = {"model": "big", "head": "spark1", "sparks": both, "alive": True}
    status["sparks"] = [{**one, "part": part} for one in Answer(status)["sparks"].value]  # type: ignore[attr-defined]
    status["loaded"] = [{"model": "big", "spark": "spark1", "sparks": both, "played": None}]
    lines = page(status).splitlines()
    assert lines[3].split()[:2] == ["spark1", "Serving"]
    assert lines[4].startswith("spark2  Part of big on spark1")
    assert "Loaded: big on spark1 and spark2" in lines
    part["alive"] = False
    assert page(status).count("Lost its part of big") == 2


def test_an_engine_in_trouble_and_whether_it_is_asked() -> None:
    late, off = (
        samples.engine(routed=routed, state=state, detail="no answer within 3 s",
                       trouble_since="2026-01-02T12:00:00.000Z")
        for routed, state in ((True, "serving"), (False, "wedged"))
    )  # fmt: skip
    shown = page({"sparks": [{"name": "one", "engine": late}, {"name": "two", "engine": off}]})
    assert "one    Answers late" in shown
    assert "two    Makes no tokens" in shown
    flat = " ".join(shown.split())
    assert "no answer within 3 s. Requests still get there." in flat
    assert "! two: engine in trouble since " in flat
    assert "Requests do not go there." in flat
