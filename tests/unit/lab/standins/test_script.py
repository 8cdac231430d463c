"""The scripted engine says what it is, in the shapes of vLLM."""

import json

import pytest

from spark_control.lab.standins import script
from spark_control.lab.standins.script import BadRequest, Shape, Wish, pieces, wish

ASKED = Wish("Say hello.", most=100, endless=False, stream=False, usage=False)


def said(asked: Wish) -> str:
    return "".join(piece.text for piece in pieces("a/b", asked))


def test_the_answer_names_the_model_and_says_that_none_runs() -> None:
    text = said(ASKED)
    assert "playing a/b" in text
    assert "no model is running" in text
    assert "“Say hello.”" in text
    assert [piece.finish for piece in pieces("a/b", ASKED)][-1] == "stop"


def test_limits() -> None:
    few = list(pieces("a/b", ASKED._replace(most=3)))
    assert (len(few), few[-1].finish) == (3, "length")
    many = list(pieces("a/b", ASKED._replace(most=60, endless=True)))
    assert (len(many), many[-1].finish) == (60, "length")


def test_wishes() -> None:
    options = {"stream": True, "stream_options": {"include_usage": True}, "max_tokens": 5}
    messages: list[object] = [{"role": "user", "content": "Hi"}]
    asked = wish({"messages": messages, **options}, chat=True)
    assert asked == Wish("Hi", 5, endless=False, stream=True, usage=True)
    parts = [{"type": "text", "text": "two"}, {"type": "text", "text": "parts"}, "odd"]
    body: dict[str, object] = {"messages": [{"role": "user", "content": parts}]}
    assert wish(body, chat=True).prompt == "two parts"
    assert wish({"messages": ["odd"]}, chat=True).prompt == ""
    plain = wish({"prompt": "x", "max_completion_tokens": 2, "ignore_eos": True}, chat=False)
    assert (plain.prompt, plain.most, plain.endless) == ("x", 2, True)


@pytest.mark.parametrize(
    "body", [{}, {"messages": []}, {"messages": [{}], "max_tokens": -1}, {"max_tokens": "x"}]
)
def test_bad_requests(body: dict[str, object]) -> None:
    with pytest.raises(BadRequest):
        wish(body, chat=True)


def test_shapes() -> None:
    chat, plain = (Shape(kind, "id", 1, "key") for kind in (True, False))
    made = list(pieces("a/b", ASKED._replace(most=2)))
    counted = script.usage(ASKED, 2)
    assert counted == {"prompt_tokens": 2, "completion_tokens": 2, "total_tokens": 4}
    assert chat.opening() is not None
    assert plain.opening() is None
    whole = json.loads(json.dumps(chat.whole(made, counted)))
    assert whole["choices"][0]["message"]["content"] == "This is"
    assert whole["usage"] == counted
    text = json.loads(json.dumps(plain.whole(made, counted)))
    assert (text["object"], text["choices"][0]["text"]) == ("text_completion", "This is")
    assert json.loads(json.dumps(chat.event(made[0])))["choices"][0]["delta"]["content"] == "This"
    assert json.loads(json.dumps(plain.event(made[0])))["choices"][0]["text"] == "This"
    assert (chat.closing(counted)["choices"], plain.closing(counted)["usage"]) == ([], counted)


def test_bodies() -> None:
    assert script.sse({"a": "é"}) == 'data: {"a": "é"}\n\n'.encode()
    listed = script.models(("key", "a/b"), "a/b", script.OWNER, 4096)
    assert json.loads(json.dumps(listed))["data"][1]["id"] == "a/b"
    error = json.loads(json.dumps(script.unknown_model("x")))["error"]
    assert (error["code"], error["type"]) == (404, "NotFoundError")
    assert 'vllm:num_requests_running{engine="0",model_name="k"} 2.0\n' in script.metrics(
        "k", 2, 3, 4
    )
