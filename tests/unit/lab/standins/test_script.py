"""The scripted engine says what it is, in the shapes of vLLM."""

import json
from typing import Any

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
    asked = wish({"messages": messages, **options}, script.CHAT)
    assert asked == Wish("Hi", 5, endless=False, stream=True, usage=True)
    parts = [{"type": "text", "text": "two"}, {"type": "text", "text": "parts"}, "odd"]
    body: dict[str, object] = {"messages": [{"role": "user", "content": parts}]}
    assert wish(body, script.CHAT).prompt == "two parts"
    assert wish({"messages": ["odd"]}, script.CHAT).prompt == ""
    plain = wish(
        {"prompt": "x", "max_completion_tokens": 2, "ignore_eos": True}, script.COMPLETIONS
    )
    assert (plain.prompt, plain.most, plain.endless) == ("x", 2, True)


@pytest.mark.parametrize(
    "body", [{}, {"messages": []}, {"messages": [{}], "max_tokens": -1}, {"max_tokens": "x"}]
)
def test_bad_requests(body: dict[str, object]) -> None:
    with pytest.raises(BadRequest):
        wish(body, script.CHAT)
    with pytest.raises(BadRequest):
        wish(body, script.MESSAGES)


def test_wishes_of_newer_apis() -> None:
    plain = wish({"input": "Hi", "max_output_tokens": 5}, script.RESPONSES)
    assert (plain.prompt, plain.most) == ("Hi", 5)
    parts = [{"type": "input_text", "text": "Hi"}]
    assert wish({"input": [{"role": "user", "content": parts}]}, script.RESPONSES).prompt == "Hi"
    with pytest.raises(BadRequest, match="max_tokens"):
        wish({"messages": [{"role": "user", "content": "Hi"}]}, script.MESSAGES)


def read(event: bytes) -> Any:
    return json.loads(event.partition(b"data: ")[2])


def test_shapes() -> None:
    chat, plain = (Shape(kind, "id", 1, "key") for kind in (True, False))
    made = list(pieces("a/b", ASKED._replace(most=2)))
    counted = script.usage(ASKED, 2)
    assert counted == {"prompt_tokens": 2, "completion_tokens": 2, "total_tokens": 4}
    assert (len(chat.begin(ASKED)), plain.begin(ASKED)) == (1, [])
    whole = json.loads(json.dumps(chat.whole(made, ASKED)))
    assert whole["choices"][0]["message"]["content"] == "This is"
    assert whole["usage"] == counted
    text = json.loads(json.dumps(plain.whole(made, ASKED)))
    assert (text["object"], text["choices"][0]["text"]) == ("text_completion", "This is")
    assert read(chat.token(made[0]))["choices"][0]["delta"]["content"] == "This"
    assert read(plain.token(made[0]))["choices"][0]["text"] == "This"
    assert chat.end(made, ASKED) == [b"data: [DONE]\n\n"]
    last, _ = plain.end(made, ASKED._replace(usage=True))
    assert (read(last)["choices"], read(last)["usage"]) == ([], counted)


def test_bodies() -> None:
    assert script.sse({"a": "é"}) == 'data: {"a": "é"}\n\n'.encode()
    listed = script.models(("key", "a/b"), "a/b", script.OWNER, 4096)
    assert json.loads(json.dumps(listed))["data"][1]["id"] == "a/b"
    error = json.loads(json.dumps(script.unknown_model("x")))["error"]
    assert (error["code"], error["type"]) == (404, "NotFoundError")
    refused = json.loads(json.dumps(script.refused(script.MESSAGES, 400, "no")))
    assert (refused["type"], refused["error"]["type"]) == ("error", "invalid_request_error")
    gone = json.loads(json.dumps(script.refused(script.MESSAGES, 404, "no")))
    assert gone["error"]["type"] == "not_found_error"
    assert json.loads(json.dumps(script.refused("/x", 400, "no")))["error"]["code"] == 400
    assert 'vllm:num_requests_running{engine="0",model_name="k"} 2.0\n' in script.metrics(
        "k", 2, 3, 4
    )
