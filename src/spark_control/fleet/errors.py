"""What can go wrong between Spark Control and a Spark."""

from spark_control.core.errors import Conflict, HostTrouble, NotFound, SlowUpstream, StorageTrouble


class HostUnknown(NotFound):
    """No Spark of the fleet has that name."""

    code = "host_unknown"
    hint = "`spark-control status` lists the Sparks."


class NoHosts(Conflict):
    """The fleet is empty."""

    code = "no_hosts"
    hint = "Set `SPARK1_HOST` and `SPARK1_USER` and start again."


class HostUnreachable(HostTrouble):
    """The Spark does not answer on its SSH port."""

    code = "host_unreachable"
    hint = "Check that the Spark is on and on the network, then try `ssh USER@HOST` by hand."


class HostRefusedKey(HostTrouble):
    """The Spark answers and does not accept our SSH key."""

    code = "host_refused_key"
    hint = "Add the public key of `SSH_KEY_PATH` to `~/.ssh/authorized_keys` of that user."


class HostKeyChanged(HostTrouble):
    """The Spark shows another host key than the one that was pinned."""

    code = "host_key_changed"
    hint = (
        "If the Spark was set up anew, remove its line from `known_hosts` in the data directory; "
        "if not, somebody may be between you and it."
    )


class ConnectionLost(HostTrouble):
    """The connection to the Spark was cut while a command ran; what it did is not known."""

    code = "connection_lost"
    hint = "Check the network, then look at the Spark before you repeat the command."


class CommandFailed(HostTrouble):
    """A command on a Spark ended with an error."""

    code = "command_failed"
    hint = "The detail holds what it printed."


class CommandTimeout(SlowUpstream):
    """A command on a Spark did not end in time and was stopped there."""

    code = "command_timeout"
    hint = "The Spark may be out of memory or its disk may hang; look at its card."


class BadAnswer(HostTrouble):
    """A probe on a Spark printed something that cannot be read."""

    code = "bad_answer"
    hint = "Check that `python3` works for that user and that its login prints nothing."


class KeyFileTrouble(StorageTrouble):
    """The SSH key or the list of known hosts could not be read or written."""

    code = "key_file_trouble"
