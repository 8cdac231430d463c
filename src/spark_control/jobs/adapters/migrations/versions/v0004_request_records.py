"""Records of requests."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the table of records, without any words of a request or an answer."""
    op.create_table(
        "request_records",
        sa.Column("id", sa.String(64), nullable=False),
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
        sa.PrimaryKeyConstraint("id", name="pk_request_records"),
    )
    op.create_index("ix_request_records_at_ms", "request_records", ["at_ms", "id"])
