"""Wires the database and the jobs."""

import sqlalchemy as sa

from spark_control.app.boot import Boot
from spark_control.core.bus import Bus
from spark_control.core.clock import Clock
from spark_control.core.ids import Ids
from spark_control.core.sql import DatabaseTrouble, Sql, database_errors, make_engine
from spark_control.jobs.adapters.log_files import LogFiles
from spark_control.jobs.adapters.schema import ensure
from spark_control.jobs.adapters.sql import SqlJobs
from spark_control.jobs.usecases import Jobs


def wire_sql(boot: Boot) -> Sql:
    """Open the database and bring it to the newest schema. Raises DatabaseTrouble."""
    sql = Sql(_engine(boot.started.text("DATABASE_URL") or f"sqlite:///{boot.data.database}"))
    with database_errors():
        ensure(sql.engine)
    return sql


def _engine(url: str) -> sa.Engine:
    # The URL may hold a password: nothing of it, nor the library's words on it, is repeated.
    try:
        return make_engine(url)
    except sa.exc.NoSuchModuleError as error:
        why = "names a kind of database that is not known"
        raise _bad_url(why) from error
    except ImportError as error:
        raise _bad_url(f"needs the Python package {error.name!r}, which is missing") from error
    except (sa.exc.ArgumentError, ValueError, TypeError) as error:
        raise _bad_url("is not an address of a database") from error


def _bad_url(why: str) -> DatabaseTrouble:
    hint = "Correct `DATABASE_URL`, such as `sqlite:////folder/file.db`, or leave it blank."
    return DatabaseTrouble(f"DATABASE_URL {why}.", hint=hint)


def wire_jobs(sql: Sql, bus: Bus, clock: Clock, ids: Ids) -> Jobs:
    """Return the jobs over the database."""
    return Jobs(store=SqlJobs(sql), bus=bus, clock=clock, ids=ids)


def wire_logs(boot: Boot) -> LogFiles:
    """Return the folder of job logs."""
    return LogFiles(boot.data.logs / "jobs")
