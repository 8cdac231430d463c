"""The swap lock."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table that holds the one lock."""
    op.create_table(
        "swap_lock",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("realm", sa.String(16), nullable=False),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.Column("holder", sa.String(64)),
        sa.Column("reason", sa.String(200)),
        sa.Column("digest", sa.String(64)),
        sa.Column("ttl_s", sa.Integer),
        sa.Column("since", sa.DateTime(timezone=True)),
        sa.Column("until", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_swap_lock"),
    )
