"""The guard before a launch, as a text of `sh` that runs on the Spark and nowhere else.

One launch at a time on a Spark, and none under an older fence than the newest seen there: a
process that slept through the loss of the swap lock is stopped at the last door.
"""

from spark_control.core.shell import Command
from spark_control.swap.domain import Fence

BUSY, FENCED = 75, 76
"""How the guard ends when another launch runs, and when a newer fence was seen."""
WAIT_S = 5
BUSY_SAYS = "spark-control: another launch runs"
FENCED_SAYS = "spark-control: a newer fence was seen"

# The lock is let go with the shell that holds it, also when `timeout` kills it. What is launched
# must not inherit it (9>&-): it would hold the lock for as long as the engine runs.
_GUARD = f"""\
folder=$HOME/.spark-control highest=$HOME/.spark-control/swap.fence-$1 fence=$2
shift 2
mkdir -p "$folder" && exec 9>>"$folder/swap.lock" || exit 1
flock -w {WAIT_S} 9 || {{ echo "{BUSY_SAYS}" >&2; exit {BUSY}; }}
seen=$(cat "$highest" 2>/dev/null)
case $seen in "" | *[!0-9]*) seen=0 ;; esac
[ "$fence" -ge "$seen" ] || {{ echo "{FENCED_SAYS} ($seen)" >&2; exit {FENCED}; }}
echo "$fence" >"$highest.new" && mv "$highest.new" "$highest" || exit 1
"""
_STAY = '"$@" 9>&-\n'
# Into a file first: without a connection a launcher dies at the next thing it prints, and may
# leave a container that nobody starts an engine in.
_LAUNCH = """\
(umask 077 && : >"$folder/launch.log") || exit 1
"$@" >"$folder/launch.log" 2>&1 9>&-
status=$?
cat "$folder/launch.log"
exit $status
"""


def guarded(command: Command, fence: Fence | None) -> Command:
    """Return a launch behind the guard; without a fence as it is.

    It goes on when the connection is lost; what it printed comes on one stream when it has ended.
    """
    return command if fence is None else _behind(command, fence, _GUARD + _LAUNCH)


def _behind(command: Command, fence: Fence, guard: str) -> Command:
    words = ("sh", "-c", guard, "spark-control-launch", fence.realm, str(fence.number))
    return Command((*words, *command.words), command.cwd, command.env)


HELD = "spark-control: held"


# It talks, and ends when nobody listens any more: who was killed must not keep others off.
_HOLD = f'echo "{HELD}"; while sleep 1 && echo; do :; done'


def hold_command(fence: Fence) -> Command:
    """Return the command that keeps every other launch off a Spark for as long as it runs.

    A cluster is launched on its first Spark; this stands guard on the others meanwhile.
    """
    hold = Command.of("sh", "-c", _HOLD, "spark-control-hold")
    return _behind(hold, fence, _GUARD + _STAY)
