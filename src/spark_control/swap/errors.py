"""Why a swap is refused, fails or ends early."""

from spark_control.core.errors import (
    BadInput,
    Conflict,
    EngineTrouble,
    HostTrouble,
    Locked,
    NotFound,
    SlowUpstream,
    StorageTrouble,
)


class SwapUnknown(NotFound):
    """No swap has that id."""

    code = "swap_unknown"
    hint = "`spark-control jobs` lists the swaps."


class SwapRunning(Conflict):
    """Another swap runs; there is one at a time."""

    code = "swap_running"
    hint = "Wait for it, or cancel it first."


class NeedsSetup(Conflict):
    """The model is on disk and nobody has said how to launch it."""

    code = "needs_setup"
    hint = "Choose Set up on the page, or `spark-control models suggest KEY --save`."


class DoesNotFit(Conflict):
    """The model needs more memory than the Spark has; the detail holds the arithmetic."""

    code = "does_not_fit"
    hint = "Lower the context or raise the memory share in its recipe or knobs."


class ModelIncomplete(Conflict):
    """The weights of the model are not whole on the Spark."""

    code = "model_incomplete"
    hint = "Download the model again; a download that was cut resumes."


class NotLaunchable(Conflict):
    """What is on disk is no model an engine can serve as chat."""

    code = "not_launchable"


class ClusterTooSmall(Conflict):
    """The model runs on several Sparks together, and there are not enough of them."""

    code = "cluster_too_small"
    hint = "Add a second Spark in the settings, or choose a model for one Spark."


class ClusterNoLink(HostTrouble):
    """A Spark has no address that the other Sparks of a cluster could reach it at."""

    code = "cluster_no_link"
    hint = (
        "Connect the Sparks with the ConnectX cable and run `./launch-cluster.sh --setup` there."
    )


class PeerRefused(HostTrouble):
    """The Spark that starts the cluster cannot reach another one of it by SSH."""

    code = "peer_refused"
    hint = "On the first Spark run `ssh-copy-id` for the address in the message."


class ImageDiffers(HostTrouble):
    """The Sparks of a cluster hold different images under the same name."""

    code = "image_differs"
    hint = "Run `./build-and-copy.sh -c` in the folder of the launch scripts on the first Spark."


class PortTaken(Conflict):
    """Something that is not our container listens on the engine's port."""

    code = "port_taken"
    hint = (
        "`spark-control engines take-over SPARK` lets switches replace it, `spark-control engines "
        "stop SPARK` ends it; or give engines another port with `VLLM_PORT`."
    )


class LauncherMissing(HostTrouble):
    """The launch scripts are not where they should be on the Spark."""

    code = "launcher_missing"
    hint = "Clone spark-vllm-docker there, or point `VLLM_LAUNCH_DIR` at its folder."


class LauncherTooOld(HostTrouble):
    """The launch scripts on the Spark cannot launch a solo model."""

    code = "launcher_too_old"
    hint = "Update them with `git pull` in their folder."


class ImageMissing(HostTrouble):
    """The engine's image is not on the Spark."""

    code = "image_missing"
    hint = "Run `./build-and-copy.sh` in the folder of the launch scripts."


class DockerRefused(HostTrouble):
    """The Spark's user may not use docker, or docker does not run."""

    code = "docker_refused"
    hint = "Add the user to the `docker` group and see that `docker ps` works there."


class LauncherFailed(HostTrouble):
    """The launch script ended with an error."""

    code = "launcher_failed"
    hint = "The detail holds its last words."


class LauncherLied(HostTrouble):
    """The launch script said that all is well, and started nothing."""

    code = "launcher_lied"
    hint = "Run the launch by hand on the Spark and look at what it prints."


class StopFailed(HostTrouble):
    """The engine before could not be stopped."""

    code = "stop_failed"
    hint = "Look at `docker ps` on the Spark; nothing new was launched."


class EngineDied(EngineTrouble):
    """The engine ended before it was ready."""

    code = "engine_died"
    hint = "The detail and the log hold its last words."


class RankDied(EngineTrouble):
    """The part of the engine on one Spark of a cluster ended; the others cannot go on without."""

    code = "rank_died"
    hint = "The detail names the Spark and holds the last words of its part."


class EngineNeverReady(SlowUpstream):
    """The engine was not ready within the time a load may take."""

    code = "engine_never_ready"
    hint = "Look at the log for the line it stopped at."


class EngineStuck(SlowUpstream):
    """The engine stopped moving while it was loading: no line in its log, no change of memory."""

    code = "engine_stuck"
    hint = "Look at the log for the line it stopped at, then switch to the model again."


class EngineMute(EngineTrouble):
    """The engine says it is healthy and makes no token."""

    code = "engine_mute"
    hint = "Switch to the model again; if it stays, look at the engine's log."


class SwapCancelled(Conflict):
    """The swap was cancelled."""

    code = "swap_cancelled"
    hint = "`spark-control status` shows what runs now."


class SwapLocked(Locked):
    """Somebody holds the swap lock, and the request does not carry its token."""

    code = "swap_locked"
    hint = "Wait for its end, ask the holder, or break it with `spark-control lock break`."


class LockLost(Locked):
    """The swap lock was taken or broken after the swap was asked for; nothing was stopped."""

    code = "lock_lost"
    hint = "Look at `spark-control lock show`, then ask for the swap again."


class LockNotHeld(Conflict):
    """The swap lock is not held: it was never taken, was released, was broken or has run out."""

    code = "lock_not_held"
    hint = "Take it with `spark-control lock acquire`."


class LockWishIncomplete(BadInput):
    """To take the swap lock a holder and a time are needed."""

    code = "lock_wish_incomplete"
    hint = "Send `holder` and `ttl_s`; to renew a lock send its `X-Lock-Token`."


class LaunchFenced(Locked):
    """The Spark has seen a launch under a newer swap lock, so this older one was refused."""

    code = "launch_fenced"
    hint = "Ask for the swap again. If the data directory is an older copy, see `docs/lock.md`."


class LaunchBusy(Conflict):
    """Another launch runs on the Spark."""

    code = "launch_busy"
    hint = "Wait until it has ended, then ask for the swap again."


class EngineAbsent(Conflict):
    """Nothing listens on the engine's port of that Spark."""

    code = "engine_absent"
    hint = "`spark-control engines` shows what runs where."


class EngineOurs(Conflict):
    """The engine was started by Spark Control, so it is not a foreign one."""

    code = "engine_ours"
    hint = "Switch to another model; the switch replaces it."


class EngineNotTold(Conflict):
    """Something listens on the engine's port, and what it is cannot be seen."""

    code = "engine_not_told"
    hint = "On the Spark, `sudo ss -ltnp` shows what listens; stop it there."


class EngineProtected(HostTrouble):
    """The engine is a process of another user, which our user may not end."""

    code = "engine_protected"
    hint = "End it on the Spark with `sudo kill PID`."


class ConfirmationWrong(BadInput):
    """The confirmation does not name the engine that runs there now; nothing was stopped."""

    code = "confirmation_wrong"
    hint = "Send the name of the container, or the number of the process, as `confirm`."


class AdoptionUnkept(StorageTrouble):
    """That the engine was taken over could not be written down, so it was not."""

    code = "adoption_unkept"
    hint = "Check the free space and the rights of the data directory."
