"""What can go wrong with jobs."""

from spark_control.core.errors import Conflict, Internal, NotFound, StorageTrouble


class JobUnknown(NotFound):
    """No job has that id."""

    code = "job_unknown"
    hint = "`spark-control jobs` lists them."


class IllegalMove(Internal):
    """A job was moved to a state it cannot reach from where it is."""

    code = "illegal_move"


class Interrupted(Internal):
    """Spark Control was stopped while the job ran."""

    code = "interrupted"
    hint = "`spark-control status` shows what runs now; start the job again if it is not done."


class DatabaseNewer(StorageTrouble):
    """The database was written by a newer Spark Control."""

    code = "database_newer"
    hint = "Install the newer version again, or restore the copy made before the update."


class BusyHost(Conflict):
    """Something else runs on the Spark that cannot go on at the same time."""

    code = "busy_host"
    hint = "Wait until it has ended, or cancel it; `spark-control jobs` lists what runs."


class JobLost(Conflict):
    """Another Spark Control on the same database has taken the job up."""

    code = "job_lost"
    hint = "`spark-control jobs` shows how it goes on."
