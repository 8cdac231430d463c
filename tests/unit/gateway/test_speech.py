"""Which service speaks, and what Magpie is sent."""

import email
import email.policy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_control.gateway import speech
from spark_control.gateway.errors import BodyUnreadable, SpeechFormat
from spark_control.gateway.services import Role, Service
from spark_control.gateway.speech import Wish

MIA = "Magpie-Multilingual.EN-US.Mia"


def service(name: str, *voices: str, up: bool = True, role: Role = Role.SPEAK) -> Service:
    return Service(
        name=name, title=name, role=role, base_url=f"http://{name}", voices=voices, up=up
    )


MAGPIE, KOKORO = service("magpie"), service("kokoro")


def wish(text: str = "Hello", **more: str) -> Wish:
    said = {"voice": "", "model": "", "format": "", "language": "", **more}
    return Wish(text, said["voice"], said["model"], said["format"], said["language"])


def form(sent: speech.Sent) -> dict[str, str]:
    head = f"Content-Type: {sent.kind}\r\n\r\n".encode()
    message = email.message_from_bytes(head + sent.body, policy=email.policy.HTTP)
    found = {}
    for part in message.iter_parts():
        value = part.get_payload(decode=True)
        assert isinstance(value, bytes)
        found[str(part.get_param("name", header="content-disposition"))] = value.decode()
    return found


def test_read() -> None:
    body = {"input": "Hello", "voice": {"id": "af_heart"}, "model": "tts-1", "speed": 1.5,
            "response_format": "wav", "language": "de-DE"}  # fmt: skip
    read = speech.read(json.dumps(body).encode())
    assert read == Wish("Hello", "af_heart", "tts-1", "wav", "de-DE")
    assert speech.read(b'{"input": "x"}') == Wish("x", "", "", "", "")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"[]", None), (b"{", None), (b"{}", "input"), (b'{"input": " "}', "input"),
        (b'{"input": 1}', "input"), (b'{"input": "x", "voice": 1}', "voice"),
        (b'{"input": "x", "voice": {"id": 1}}', "voice"),
        (b'{"input": "x", "model": []}', "model"),
    ],
)  # fmt: skip
def test_what_cannot_be_read(body: bytes, param: str | None) -> None:
    with pytest.raises(BodyUnreadable) as raised:
        speech.read(body)
    assert raised.value.param == param


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        (wish(), "magpie"),
        (wish(voice=MIA), "magpie"),
        (wish(model="magpie-tts"), "magpie"),
        (wish(voice="af_heart"), "kokoro"),
        (wish(voice="af_bella(2)+bm_george(1)"), "kokoro"),
        (wish(model="kokoro"), "kokoro"),
        (wish(voice="alloy", model="tts-1"), "magpie"),
    ],
)
def test_the_voice_says_who_speaks(asked: Wish, name: str) -> None:
    found = speech.speaker(asked, [service("parakeet", role=Role.TRANSCRIBE), MAGPIE, KOKORO])
    assert found is not None
    assert found.name == name


def test_a_service_that_has_the_voice_wins() -> None:
    own = service("own", "alloy")
    assert speech.speaker(wish(voice="alloy"), [MAGPIE, own]) is own
    assert speech.speaker(wish(model="alloy"), [MAGPIE, own]) is own


def test_the_first_that_answers_speaks() -> None:
    down = service("magpie", up=False)
    assert speech.speaker(wish(), [down, KOKORO]) is KOKORO
    assert speech.speaker(wish(voice=MIA), [down, KOKORO]) is down
    assert speech.speaker(wish(), [down]) is down
    assert speech.speaker(wish(), []) is None


@pytest.mark.parametrize(
    ("voice", "language"),
    [
        (MIA, "en-US"), ("Magpie-Multilingual.DE-DE.Aria.Calm", "de-DE"), ("Mia", "en-US"),
        ("", "en-US"), ("Magpie.xx-yy-zz.Mia", "en-US"),
    ],
)  # fmt: skip
def test_language(voice: str, language: str) -> None:
    assert speech.language(voice) == language


def test_magpie_gets_a_form() -> None:
    sent = speech.for_magpie(wish(voice=MIA))
    assert sent.path == "/v1/audio/synthesize"
    assert form(sent) == {
        "text": "Hello", "language": "en-US", "voice": MIA, "sample_rate_hz": "22050",
        "encoding": "LINEAR_PCM",
    }  # fmt: skip


def test_what_was_said_outright_counts() -> None:
    sent = form(speech.for_magpie(wish(model=MIA, language="de-DE", format="Opus")))
    assert (sent["voice"], sent["language"], sent["encoding"]) == (MIA, "de-DE", "OGGOPUS")
    assert "voice" not in form(speech.for_magpie(wish(model="tts-1")))


def test_a_format_that_magpie_does_not_make() -> None:
    with pytest.raises(SpeechFormat) as raised:
        speech.for_magpie(wish(format="flac"))
    assert raised.value.param == "response_format"


@given(st.text(min_size=1))
def test_no_text_breaks_out_of_the_form(text: str) -> None:
    sent = speech.for_magpie(wish(text))
    boundary = sent.kind.partition("boundary=")[2].encode()
    assert sent.body.count(b"--" + boundary) == len(("text", "language", "rate", "encoding")) + 1
