"""What can go wrong between Spark Control and a Spark."""

from spark_control.core.errors import Conflict, HostTrouble, NotFound, SlowUpstream, StorageTrouble


class HostUnknown(NotFound):
    """No Spark of the fleet has that name."""

    code = "host_unknown"
    hint = "`spark-control status` lists the Sparks."


class NoHosts(Conflict):
    """The fleet is empty."""

    code = "no_hosts"
    hint = "Add a Spark on the page or with `spark-control hosts add ADDRESS --user USER`."


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
        "If the Spark was set up anew, compare the fingerprint there and trust it on the page or "
        "with `spark-control hosts trust NAME`; if not, somebody may be between you and it."
    )


class HostKeyNew(HostTrouble):
    """The Spark shows a host key, and nobody has confirmed one for its address yet."""

    code = "host_key_new"
    hint = (
        "Compare the fingerprint on the Spark and trust it on the page or with "
        "`spark-control hosts trust NAME`."
    )


class HostKeyUnconfirmed(Conflict):
    """A Spark shows a host key that nobody has confirmed yet; the detail holds its fingerprint."""

    code = "host_key_unconfirmed"
    hint = (
        "Compare the fingerprint with `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` on the "
        "Spark, then send it as `fingerprint`."
    )


class HostKeyDiffers(Conflict):
    """The Spark shows another host key than the one that was confirmed; nothing was trusted."""

    code = "host_key_differs"
    hint = "Look at the fingerprint again, and compare it on the Spark itself."


class HostPlayed(Conflict):
    """The demo's Sparks are simulated, and the machine itself must not become one of them."""

    code = "host_played"
    hint = "Start Spark Control with `spark-control serve` to use this machine."


class JumpHostRefused(HostTrouble):
    """The jump host of your SSH configuration is not trusted or does not let us in."""

    code = "jump_host_refused"
    hint = "Reach the Spark once with `ssh USER@HOST` as the user Spark Control runs as."


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
