"""What can go wrong with jobs."""

from spark_control.core.errors import Internal, NotFound, StorageTrouble


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
