"""Text to speech: which service speaks, and OpenAI's request in the words of Magpie."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from spark_control.gateway.errors import BodyUnreadable, SpeechFormat
from spark_control.gateway.services import Role, Service, of_role

MAGPIE, KOKORO = "magpie", "kokoro"
MAGPIE_PATH = "/v1/audio/synthesize"
USUAL_LANGUAGE = "en-US"
RATE_HZ = 22050
ENCODINGS = {"": "LINEAR_PCM", "mp3": "LINEAR_PCM", "wav": "LINEAR_PCM", "opus": "OGGOPUS"}
"""Magpie makes no MP3, which is what clients ask for when they do not care: they get WAV."""

_LOCALE = re.compile(r"([A-Za-z]{2,3})-([A-Za-z]{2})")
_KOKORO_VOICE = re.compile(r"[a-z][fm]_[a-z0-9_]+(?:\([0-9.]+\))?(?:[+-].*)?")


class _Body(msgspec.Struct):
    input: object = None
    voice: object = None
    model: object = None
    response_format: object = None
    language: object = None


@dataclass(frozen=True, slots=True)
class Wish:
    """What was read of a request for speech; what is blank was not said."""

    text: str
    voice: str
    model: str
    format: str
    language: str


@dataclass(frozen=True, slots=True)
class Sent:
    """What goes to a service in the place of what came."""

    path: str
    kind: str
    body: bytes


def read(body: bytes) -> Wish:
    """Read OpenAI's body of a request for speech. Raises BodyUnreadable."""
    try:
        found = msgspec.json.decode(body, type=_Body)
    except msgspec.ValidationError as error:
        raise BodyUnreadable("The body is JSON, but no object.") from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise BodyUnreadable("The body is not JSON.") from error
    voice = found.voice.get("id") if isinstance(found.voice, dict) else found.voice
    text = _text("input", found.input)
    if not text.strip():
        raise BodyUnreadable("`input` is blank; it is the text to speak.", param="input")
    return Wish(
        text, _text("voice", voice), _text("model", found.model),
        _text("response_format", found.response_format), _text("language", found.language),
    )  # fmt: skip


def _text(name: str, value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BodyUnreadable(f"`{name}` is not a text.", param=name)
    return value


def speaker(wish: Wish, services: Sequence[Service]) -> Service | None:
    """Return the service that speaks: the one that has the voice or model, else the first."""
    speakers = of_role(services, Role.SPEAK)
    for service in speakers:
        if {wish.voice, wish.model} & {*service.voices, *service.models}:
            return service
    wanted = _by_name(wish)
    named = (service for service in speakers if service.name == wanted)
    return next(named, speakers[0] if speakers else None)


def _by_name(wish: Wish) -> str:
    """Return the service that names of this kind belong to."""
    for name in (wish.voice.lower(), wish.model.lower()):
        if name.startswith(MAGPIE):
            return MAGPIE
        if name.startswith(KOKORO) or _KOKORO_VOICE.fullmatch(name):
            return KOKORO
    return ""


def language(voice: str) -> str:
    """Return the language that a voice of Magpie's has in its name, as `en-US`."""
    for part in voice.split("."):
        if found := _LOCALE.fullmatch(part):
            return f"{found[1].lower()}-{found[2].upper()}"
    return USUAL_LANGUAGE


def for_magpie(wish: Wish) -> Sent:
    """Return the request as Magpie takes it: a form. Raises SpeechFormat."""
    encoding = ENCODINGS.get(wish.format.lower())
    if encoding is None:
        text = f"Magpie does not make {wish.format[:20]!r}."
        raise SpeechFormat(text, param="response_format")
    voice = wish.voice or (wish.model if "." in wish.model else "")
    fields = {
        "text": wish.text, "language": wish.language or language(voice), "voice": voice,
        "sample_rate_hz": str(RATE_HZ), "encoding": encoding,
    }  # fmt: skip
    given = {name: value for name, value in fields.items() if value}
    digest = hashlib.sha256(repr(given).encode("utf-8", "replace")).hexdigest()
    boundary = f"spark-control-{digest[:32]}"
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in given.items()
    ]
    body = f"{''.join(parts)}--{boundary}--\r\n".encode("utf-8", "replace")
    return Sent(MAGPIE_PATH, f"multipart/form-data; boundary={boundary}", body)
