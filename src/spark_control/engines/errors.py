"""What can go wrong with an engine."""

from spark_control.core.errors import EngineTrouble, SlowUpstream


class EngineUnreachable(EngineTrouble):
    """The engine does not take connections."""

    code = "engine_unreachable"
    hint = "`spark-control status` shows what runs; switch to a model to start an engine."


class EngineBroke(EngineTrouble):
    """The engine hung up, or answered with an error; a 5xx keeps its status."""

    code = "engine_error"
    hint = "The engine's log says why."


class EngineSlow(SlowUpstream):
    """The engine took the request and did not answer in time."""

    code = "engine_slow"
    hint = "It may be busy or wedged; look at its log, or switch to the model again."
