"""Reading JSON that may lack anything."""

from spark_control.cli.answer import Answer

ODD: tuple[object, ...] = (None, 3, -0.5, float("nan"), True, "", "text", [], [1], {}, {"a": 1})


def test_what_is_there() -> None:
    answer = Answer(
        {"a": {"b": "x\x1b[0my"}, "n": 3, "t": True, "l": ["p", 1, "q"], "o": {"k": 0}}
    )
    assert answer["a"]["b"].text == "xy"
    assert answer["n"].number == 3.0
    assert answer["t"].flag is True
    assert answer["l"].texts == ["p", "q"]
    assert [item.value for item in answer["l"].items] == ["p", 1, "q"]
    assert answer["o"].mapping == {"k": 0}


def test_what_is_not_there() -> None:
    for value in ODD:
        missing = Answer(value)["nothing"]["below"]
        assert not missing.given
        assert (missing.text, missing.number, missing.flag) == (None, None, None)
        assert (missing.items, missing.texts, missing.mapping) == ([], [], {})


def test_what_is_something_else() -> None:
    assert [Answer(value).number for value in ODD[:5]] == [None, 3.0, -0.5, None, None]
    assert [Answer(value).flag for value in (True, False, 1, "true")] == [True, False, None, None]
    assert [Answer(value).text for value in (1, "", "x", ["x"])] == [None, None, "x", None]


def test_zero_is_given_and_null_is_not() -> None:
    assert Answer(0).given
    assert Answer("").given
    assert not Answer(None).given
