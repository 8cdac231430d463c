"""Tokens, scores and ranks of the script, in vLLM's shapes."""

import json
from typing import Any

import pytest

from spark_control.lab.standins import counts
from spark_control.lab.standins.script import BadRequest

ASKER = counts.Asker("m", "1", 7)


def ask(path: str, **body: object) -> Any:
    return json.loads(json.dumps(counts.answer(path, body, ASKER, 4096)))


def test_tokens_there_and_back() -> None:
    made = ask("/tokenize", prompt="Hé ☃")
    assert (made["count"], made["max_model_len"], made["token_strs"]) == (4, 4096, None)
    assert ask("/detokenize", tokens=made["tokens"]) == {"prompt": "Hé ☃"}
    said = [{"role": "user", "content": "Hi"}]
    assert ask("/tokenize", messages=said)["count"] == 2
    assert ask("/v1/messages/count_tokens", messages=said) == {"input_tokens": 1}


def test_scores() -> None:
    one = ask("/v1/score", text_1="a b", text_2=["a b", "a c", "x"])
    assert [row["score"] for row in one["data"]] == [1.0, 0.3333, 0.0]
    assert (one["id"], one["object"], one["usage"]["total_tokens"]) == ("score-1", "list", 7)
    assert "no model" in one["note"]
    many = ask("/score", text_1=["a", "b"], text_2=["a", "c"])
    assert [row["score"] for row in many["data"]] == [1.0, 0.0]


def test_ranks() -> None:
    rows = ask("/v1/rerank", query="a b", documents=["x", "a", "b a"])["results"]
    assert [row["index"] for row in rows] == [2, 1, 0]
    assert rows[0]["document"]["text"] == "b a"
    assert len(ask("/rerank", query="a", documents=["x", "a"], top_n=1)["results"]) == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/tokenize", {}),
        ("/detokenize", {}),
        ("/detokenize", {"tokens": ["a"]}),
        ("/detokenize", {"tokens": [-1]}),
        ("/detokenize", {"tokens": [0xD800]}),
        ("/v1/score", {"text_1": ["a", "b"], "text_2": ["a", "b", "c"]}),
        ("/v1/rerank", {"query": "a", "documents": []}),
        ("/v1/messages/count_tokens", {"messages": []}),
    ],
)
def test_what_it_refuses(path: str, body: dict[str, object]) -> None:
    with pytest.raises(BadRequest):
        ask(path, **body)
