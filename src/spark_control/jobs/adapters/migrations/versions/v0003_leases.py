"""Leases, and whose a job is."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the table of leases; a job learns who runs it and until when that is sure."""
    op.add_column("jobs", sa.Column("owner", sa.String(64)))
    op.add_column("jobs", sa.Column("until", sa.DateTime(timezone=True)))
    op.create_table(
        "leases",
        sa.Column("host", sa.String(128), nullable=False),
        sa.Column("kind", sa.String(128), nullable=False),
        sa.Column("job_id", sa.String(64), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("host", "kind", name="pk_leases"),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], name="fk_leases_job_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_leases_job_id", "leases", ["job_id"])
