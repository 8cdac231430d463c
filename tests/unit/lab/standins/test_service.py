"""The played services answer in the shapes of the real ones, and say that they are played."""

import io
import json
import wave

import pytest

from spark_control.lab.standins import service
from spark_control.lab.standins.web import Reply, Request

FORM = b'--b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n--b--\r\n'


def ask(name: str, path: str, body: bytes = b"") -> Reply | None:
    return service._PLAYED[name](Request("POST", path, {}, body))


def fields(**given: str) -> bytes:
    return b"".join(FORM % (name.encode(), value.encode()) for name, value in given.items())


def test_speech_to_text() -> None:
    path = "/v1/audio/transcriptions"
    file = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nx\r\n'
    plain = ask("parakeet", path, file)
    text = ask("parakeet", path, file + fields(response_format="text"))
    words = ask("parakeet", path, file + fields(response_format="verbose_json"))
    nothing = ask("parakeet", path)
    assert plain
    assert text
    assert words
    assert nothing
    assert json.loads(plain.body) == {"text": service.SAID}
    assert text.kind.startswith("text/plain")
    assert json.loads(words.body)["segments"][0]["text"] == service.SAID
    assert nothing.status == 422


@pytest.mark.parametrize(
    ("name", "path", "body"),
    [
        ("magpie", "/v1/audio/synthesize", fields(text="Hello", language="en-US")),
        ("kokoro", "/v1/audio/speech", b'{"input": "Hello"}'),
    ],
)
def test_speech_is_a_tone(name: str, path: str, body: bytes) -> None:
    reply = ask(name, path, body)
    assert reply is not None
    with wave.open(io.BytesIO(reply.body)) as sound:
        assert sound.getnframes() > 1000


def test_magpie_refuses() -> None:
    path = "/v1/audio/synthesize"
    for body, status in (
        (fields(text="x"), 422), (fields(text="x", language="en-US", voice="y"), 400),
    ):  # fmt: skip
        reply = ask("magpie", path, body)
        assert reply is not None
        assert reply.status == status


def test_vectors_are_the_same_for_the_same_text() -> None:
    reply = ask("embed", "/v1/embeddings", b'{"input": ["a", "b", "a"]}')
    ranked = ask("embed", "/v1/rerank", b'{"query": "a", "documents": ["a", "b"]}')
    scored = ask("embed", "/v1/score", b'{"text_1": "a", "text_2": ["a", "b"]}')
    assert reply
    assert ranked
    assert scored
    first, second, third = (row["embedding"] for row in json.loads(reply.body)["data"])
    assert first == third != second
    assert [row["relevance_score"] for row in json.loads(ranked.body)["results"]] == [1.0, 0.0]
    assert [row["score"] for row in json.loads(scored.body)["data"]] == [1.0, 0.0]


@pytest.mark.parametrize("name", ["parakeet", "magpie", "kokoro", "embed"])
def test_other_paths(name: str) -> None:
    assert ask(name, "/other") is None


def test_how_it_is_called(capsys: pytest.CaptureFixture[str]) -> None:
    assert service.main("lab-service", ["nobody", "1"]) == 2
    assert "usage" in capsys.readouterr().err
