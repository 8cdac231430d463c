"""Wires the database and the jobs."""

from spark_control.app.boot import Boot
from spark_control.core.bus import Bus
from spark_control.core.clock import Clock
from spark_control.core.ids import Ids
from spark_control.core.sql import Sql, database_errors, open_engine
from spark_control.jobs.adapters.log_files import LogFiles
from spark_control.jobs.adapters.schema import ensure
from spark_control.jobs.adapters.sql import SqlJobs
from spark_control.jobs.usecases import Jobs


def wire_sql(boot: Boot) -> Sql:
    """Open the database and bring it to the newest schema. Raises DatabaseTrouble."""
    sql = Sql(open_engine(boot.started.text("DATABASE_URL") or f"sqlite:///{boot.data.database}"))
    with database_errors():
        ensure(sql.engine)
    return sql


def wire_jobs(boot: Boot, sql: Sql, bus: Bus, clock: Clock, ids: Ids) -> Jobs:
    """Return the jobs over the database, with the name of this data directory on them."""
    owner = boot.data.instance(lambda: ids.new("in"))
    return Jobs(store=SqlJobs(sql, owner), bus=bus, clock=clock, ids=ids)


def wire_logs(boot: Boot) -> LogFiles:
    """Return the folder of job logs."""
    return LogFiles(boot.data.logs / "jobs")
