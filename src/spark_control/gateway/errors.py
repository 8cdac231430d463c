"""Why a request for a model is not answered by one."""

from spark_control.core.errors import BadInput, NotFound, Unavailable


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
