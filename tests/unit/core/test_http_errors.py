"""One error, three shapes, one table."""

import pytest

from spark_control.core import errors, http_errors


class Special(errors.Conflict):
    """Something special."""

    code = "special"
    hint = "Do this."


def test_ours_has_code_message_hint_and_detail() -> None:
    shown = http_errors.ours(Special("It happened.", detail={"id": "x"}))
    assert shown.status == 409
    assert shown.body == {
        "error": {
            "code": "special",
            "message": "It happened.",
            "hint": "Do this.",
            "detail": {"id": "x"},
        }
    }


def test_no_hint_is_left_out() -> None:
    assert "hint" not in http_errors.ours(Special("X.", hint="")).body["error"]  # type: ignore[operator]


def test_openai_shape() -> None:
    shown = http_errors.openai(Special("It happened.", param="model"))
    assert shown.body == {
        "error": {
            "message": "It happened. Do this.",
            "type": "conflict_error",
            "code": "special",
            "param": "model",
            "hint": "Do this.",
        }
    }


def test_openai_shape_says_what_else_is_known() -> None:
    shown = http_errors.openai(Special("It happened.", hint="", detail={"loaded": ["m"]}))
    assert shown.body["error"] == {
        "message": "It happened.", "type": "conflict_error", "code": "special", "param": None,
        "detail": {"loaded": ["m"]},
    }  # fmt: skip


def test_anthropic_shape() -> None:
    shown = http_errors.anthropic(errors.Unavailable("Not now.", hint="", retry_after_s=7))
    assert shown.status == 503
    assert shown.headers == {"Retry-After": "7"}
    assert shown.body == {
        "type": "error",
        "error": {"type": "overloaded_error", "message": "Not now."},
    }


def test_not_signed_in_names_the_scheme() -> None:
    headers = http_errors.ours(errors.NotSignedIn("Who?")).headers
    assert headers == {"WWW-Authenticate": "Bearer"}


@pytest.mark.parametrize(
    ("path", "key"),
    [("/api/x", "code"), ("/v1/models", "param"), ("/v1", "param"), ("/v1x", "code")],
)
def test_the_path_picks_the_shape(path: str, key: str) -> None:
    body = http_errors.for_path(path, Special("X."))
    assert key in body.body["error"]  # type: ignore[operator]


def test_messages_get_the_anthropic_shape() -> None:
    assert http_errors.for_path("/v1/messages", Special("X.")).body["type"] == "error"


@pytest.mark.parametrize(
    ("status", "openai_type", "anthropic_type"),
    [
        (None, "upstream_error", "api_error"),
        (500, "server_error", "api_error"),
        (501, "upstream_error", "api_error"),
        (502, "upstream_error", "api_error"),
        (503, "unavailable_error", "overloaded_error"),
        (504, "timeout_error", "timeout_error"),
        (507, "server_error", "api_error"),
        (599, "upstream_error", "api_error"),
    ],
)
def test_an_engine_keeps_its_status(
    status: int | None, openai_type: str, anthropic_type: str
) -> None:
    error = errors.EngineTrouble("It failed.")
    error.status = status
    for shown, kind in (
        (http_errors.openai(error), openai_type), (http_errors.anthropic(error), anthropic_type),
    ):  # fmt: skip
        assert shown.status == (status or 502)
        assert shown.body["error"]["type"] == kind  # type: ignore[index]
    assert http_errors.ours(error).status == (status or 502)
