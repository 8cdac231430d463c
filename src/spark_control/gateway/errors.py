"""Why a request is not answered by what it was meant for."""

from spark_control.core.errors import (
    AppError,
    BadInput,
    EngineTrouble,
    NotFound,
    SlowUpstream,
    StorageTrouble,
    TooMany,
    Unavailable,
)


class RequestMalformed(BadInput):
    """The request does not follow the rules of HTTP/1.1, or can be read in two ways."""

    code = "request_malformed"
    hint = "A proxy in between or a home-made client is the usual cause."


class AnswerMalformed(EngineTrouble):
    """What answered does not follow the rules of HTTP/1.1."""

    code = "answer_malformed"
    hint = "See whether the address is really that of a model server."


class FramingBroken(AppError):
    """The chunks of a body cannot be told apart."""


class ControlAway(Unavailable):
    """The control process does not answer; models that are loaded go on being served."""

    code = "control_away"
    hint = "It starts again in a moment; if it stays away, look at its log."


class WorkerAnswers(NotFound):
    """The route is one of the gateway worker, and the control process was asked."""

    code = "worker_answers"
    hint = "Ask at the port of Spark Control, not at a socket in its data directory."


class RedactionMissing(Unavailable):
    """The server is marked for redaction, which this version cannot do, so nothing goes there."""

    code = "redaction_missing"
    hint = "Take `redact` out of the entry in `UPSTREAMS` if the text may go there as it is."


class BodyUnreadable(BadInput):
    """The body is not the JSON object that this route takes."""

    code = "body_unreadable"
    hint = "Send a JSON object."


class ModelNotFound(NotFound):
    """No model has that name."""

    code = "model_not_found"
    hint = "`GET /v1/models` lists what is loaded."


class ModelNotLoaded(Unavailable):
    """The model is on the menu and no engine serves it now."""

    code = "model_not_loaded"
    hint = "Switch to it on the page or with `spark-control swap MODEL`."


class NothingLoaded(Unavailable):
    """No engine serves any model now."""

    code = "nothing_loaded"
    hint = "Switch to a model on the page or with `spark-control swap MODEL`."


class ClientBusy(TooMany):
    """This client has its share of the waiting requests already."""

    code = "client_busy"
    hint = "Wait for the time in `Retry-After`, or send fewer requests at once."


class QueueFull(Unavailable):
    """The engine is busy, and so many requests wait for it that no more are taken."""

    code = "queue_full"
    hint = "Wait for the time in `Retry-After`, or raise `QUEUE_LENGTH`."


class WaitedTooLong(Unavailable):
    """The engine stayed busy for as long as a request may wait."""

    code = "waited_too_long"
    hint = "Wait for the time in `Retry-After`, or raise `QUEUE_WAIT_S`."


class BodiesFull(Unavailable):
    """So much of large requests is in memory already that no more is taken."""

    code = "bodies_full"
    hint = "Wait for the time in `Retry-After`, or send less at once."


class UploadsFull(Unavailable):
    """So much of uploads is kept on disk already that no more is taken."""

    code = "uploads_full"
    hint = "Wait for the time in `Retry-After`, or send fewer at once."


class DiskShort(StorageTrouble):
    """An upload has to be kept on disk, and too little of the disk is free."""

    code = "disk_short"
    hint = "Make room on the disk of the data directory."


class SpeechFormat(BadInput):
    """The service that has this voice does not make audio of that format."""

    code = "speech_format"
    hint = "Ask for `wav` or `opus`, or for a voice of another service."


class ServiceMissing(Unavailable):
    """No service for this is configured, or it is switched off."""

    code = "service_missing"
    hint = "Set its host and port in the settings, and take it out of `DISABLED_SERVICES`."


class ServiceUnreachable(EngineTrouble):
    """The service does not take connections."""

    code = "service_unreachable"
    hint = "See whether its container runs, and whether host and port in the settings are right."


class ServiceBroke(EngineTrouble):
    """The service hung up, or answered with an error; a 5xx keeps its status."""

    code = "service_error"
    hint = "Its log says why."


class ServiceSlow(SlowUpstream):
    """The service took the request and did not answer in time."""

    code = "service_slow"
    hint = "It may be busy or wedged; look at its log."


class ServiceWedged(Unavailable):
    """The speech service failed inside; after that it often fails until it is restarted."""

    code = "service_wedged"
    hint = "Wait for the time in `Retry-After`; if it goes on, restart the container."
