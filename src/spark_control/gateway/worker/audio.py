"""Requests that go to speech services: to which one, and in what form."""

from collections.abc import Sequence
from dataclasses import replace

from spark_control.gateway import services, speech
from spark_control.gateway.errors import ServiceMissing
from spark_control.gateway.headers import rendered, to_engine
from spark_control.gateway.limits import Limits
from spark_control.gateway.record import Trace
from spark_control.gateway.route import DEFAULT, Choice, Routes
from spark_control.gateway.services import Role, Service
from spark_control.gateway.wire import State
from spark_control.gateway.worker.exchange import Reader
from spark_control.gateway.worker.known import Known
from spark_control.gateway.worker.model import ModelDesk, Wish
from spark_control.gateway.worker.spool import Shelf
from spark_control.gateway.worker.upload import Passed, Spooled, Upload, too_large

SPEECH_PATH = "/v1/audio/speech"


def spoken(
    known: Known, body: bytes, trace: Trace, routes: Routes, there: Sequence[Service]
) -> Wish:
    """Return a request for speech as it is sent: to who has the model, else to who has the voice.

    Raises BodyUnreadable, ServiceMissing, SpeechFormat.
    """
    named = trace.asked not in {None, DEFAULT}
    choice = routes.find(trace.asked) if named else None
    if choice is not None:
        return Wish(known=known, body=body, choice=choice, trace=trace)
    asked = speech.read(body)
    service = speech.speaker(asked, there)
    if service is None:
        raise ServiceMissing("No service for text to speech is configured.")
    choice = Choice((services.target(service),))
    wish = Wish(known=known, body=body, choice=choice, trace=trace)
    if service.name == speech.MAGPIE:
        sent = speech.for_magpie(asked)
        wish.path, wish.body = sent.path.encode(), sent.body
        kept = (row for row in to_engine(known.head.fields) if row[0] != "content-type")
        wish.forward = rendered((*kept, ("content-type", sent.kind)))
    return wish


def upload_wish(known: Known, trace: Trace, there: Sequence[Service], limit: int) -> Wish:
    """Return where an upload may go. Raises ServiceMissing, TooLarge."""
    found = services.of_role(there, Role.TRANSCRIBE)
    if not found:
        raise ServiceMissing("No service for speech to text is configured.")
    if (known.head.length or 0) > limit:
        raise too_large(limit)
    choice = Choice(tuple(map(services.target, found)))
    return Wish(known=known, body=b"", choice=choice, trace=trace)


def upload_of(desk: ModelDesk, reader: Reader, wish: Wish, *, limit: int, shelf: Shelf) -> Upload:
    """Return the way of an upload: over the disk when it may have to be sent again.

    Raises UploadsFull.
    """
    now = desk.pool.loop.time()
    if len(wish.choice.targets) == 1:
        return Passed(desk, reader, wish, now, limit)
    spool = shelf.spool(wish.known.head.length or 0)
    return Spooled(desk, reader, wish, now, limit, spool=spool)


def limits_of(state: State, workers: int) -> tuple[Limits, dict[str, Limits]]:
    """Return the limits of every target, and those of speech services, for one of `workers`."""
    bounds = state.bounds
    limits = Limits(bounds.in_flight, bounds.queue, bounds.wait_s, bounds.share)
    audio = replace(limits, in_flight=bounds.audio_in_flight).part(workers)
    own = {one.base_url: audio for one in state.services if one.role is not Role.EMBED}
    return limits.part(workers), own
