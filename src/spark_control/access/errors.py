"""Why a request is turned away at the door."""

from spark_control.core.errors import BadInput, Forbidden, NotSignedIn, StorageTrouble, TooMany


class HostNotAllowed(Forbidden):
    """The request was sent to a name that is not one of this machine's."""

    code = "host_not_allowed"
    hint = "Use the IP address, or add the name's origin to `ALLOWED_ORIGINS`."


class HostMissing(BadInput):
    """The request has no Host header."""

    code = "host_missing"
    hint = ""


class CrossOrigin(Forbidden):
    """A page of another site tried to change something here."""

    code = "cross_origin"
    hint = "Do it on Spark Control's own page, or add that site to `ALLOWED_ORIGINS`."


class WrongToken(NotSignedIn):
    """The token is not the owner token of this Spark Control."""

    code = "wrong_token"
    hint = (
        "It was printed at the first start. To make a new one, delete `access.json` in the data "
        "directory and start Spark Control again."
    )


class TokenTooShort(BadInput):
    """`AUTH_TOKEN` is too easy to guess for an address that others can reach."""

    code = "token_too_short"
    hint = "Give it at least 16 characters, or leave it blank and one is made."


class TooManyTries(TooMany):
    """Too many wrong tokens from one address; its next try must wait."""

    code = "too_many_tries"


class AccessFileTrouble(StorageTrouble):
    """The file that holds the token's digest could not be read or written."""

    code = "access_file_trouble"
    hint = "Check the rights of the data directory."
