"""The tables, and how a database is brought to them.

A new database is made from `metadata` and stamped; Alembic, which is slow to import, is loaded
only when an older schema is found, after a copy was made. A test holds the two ways to the same
result.
"""

from pathlib import Path

import sqlalchemy as sa

from spark_control.jobs.adapters.copy_before import keep_copy
from spark_control.jobs.errors import DatabaseNewer

HEAD = "0004"
KNOWN = frozenset({"0001", "0002", "0003", "0004"})

metadata = sa.MetaData(
    naming_convention={"ix": "ix_%(column_0_label)s", "pk": "pk_%(table_name)s",
                       "fk": "fk_%(table_name)s_%(column_0_name)s"}
)  # fmt: skip

jobs = sa.Table(
    "jobs", metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("kind", sa.String(32), nullable=False, index=True),
    sa.Column("target", sa.String(128), nullable=False),
    sa.Column("state", sa.String(16), nullable=False, index=True),
    sa.Column("args", sa.JSON, nullable=False),
    sa.Column("error", sa.JSON(none_as_null=True)),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, index=True),
    sa.Column("started_at", sa.DateTime(timezone=True)),
    sa.Column("ended_at", sa.DateTime(timezone=True)),
    sa.Column("owner", sa.String(64)),
    sa.Column("until", sa.DateTime(timezone=True)),
)  # fmt: skip

job_phases = sa.Table(
    "job_phases", metadata,
    sa.Column("job_id", sa.String(64), sa.ForeignKey("jobs.id", ondelete="CASCADE"),
              primary_key=True),
    sa.Column("place", sa.Integer, primary_key=True),
    sa.Column("phase", sa.String(32), nullable=False),
    sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("ended_at", sa.DateTime(timezone=True)),
)  # fmt: skip

leases = sa.Table(
    "leases", metadata,
    sa.Column("host", sa.String(128), primary_key=True),
    sa.Column("kind", sa.String(128), primary_key=True),
    sa.Column("job_id", sa.String(64), sa.ForeignKey("jobs.id", ondelete="CASCADE"),
              nullable=False, index=True),
    sa.Column("since", sa.DateTime(timezone=True), nullable=False),
)  # fmt: skip

swap_lock = sa.Table(
    "swap_lock", metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("realm", sa.String(16), nullable=False),
    sa.Column("fence", sa.BigInteger, nullable=False),
    sa.Column("holder", sa.String(64)),
    sa.Column("reason", sa.String(200)),
    sa.Column("digest", sa.String(64)),
    sa.Column("ttl_s", sa.Integer),
    sa.Column("since", sa.DateTime(timezone=True)),
    sa.Column("until", sa.DateTime(timezone=True)),
)  # fmt: skip

request_records = sa.Table(
    "request_records", metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("at_ms", sa.BigInteger, nullable=False),
    sa.Column("path", sa.String(64), nullable=False),
    sa.Column("asked", sa.String(200)),
    sa.Column("model", sa.String(200)),
    sa.Column("target", sa.String(200)),
    sa.Column("client", sa.String(200), nullable=False),
    sa.Column("status", sa.Integer, nullable=False),
    sa.Column("error", sa.String(64)),
    sa.Column("failed", sa.Boolean, nullable=False),
    sa.Column("streamed", sa.Boolean, nullable=False),
    sa.Column("queue_ms", sa.Double, nullable=False),
    sa.Column("ttft_ms", sa.Double),
    sa.Column("duration_ms", sa.Double, nullable=False),
    sa.Column("tokens_in", sa.BigInteger),
    sa.Column("tokens_out", sa.BigInteger),
    sa.Column("estimated", sa.Boolean, nullable=False),
    sa.Column("bytes_in", sa.BigInteger, nullable=False),
    sa.Column("bytes_out", sa.BigInteger, nullable=False),
    sa.Column("ttft_bin", sa.SmallInteger),
    sa.Column("speed_bin", sa.SmallInteger),
    sa.Index("ix_request_records_at_ms", "at_ms", "id"),
)  # fmt: skip

_version = sa.table("alembic_version", sa.column("version_num", sa.String(32)))


def _present(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sa.select(_version.c.version_num)).scalar_one_or_none()


def ensure(engine: sa.Engine) -> None:
    """Bring the database to `HEAD`. Raises DatabaseNewer for one this version does not know."""
    with engine.begin() as connection:
        present = _present(connection)
        if present is None:
            _create(connection)
            return
    if present not in KNOWN:
        raise DatabaseNewer(f"The database has schema {present}; this version knows {HEAD}.")
    if present != HEAD:
        keep_copy(engine, HEAD)
        upgrade(engine)


def _create(connection: sa.Connection) -> None:
    metadata.create_all(connection)
    connection.exec_driver_sql(
        "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, "
        "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
    )
    connection.execute(sa.insert(_version).values(version_num=HEAD))


def upgrade(engine: sa.Engine) -> None:
    """Run the migrations with Alembic; all of them, or none when one fails."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            # Python's driver begins no transaction for a CREATE or an ALTER.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        config.attributes["connection"] = connection
        command.upgrade(config, HEAD)
