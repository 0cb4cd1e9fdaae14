"""Energy and carbon of attempts, and the sizes of their models."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

AMOUNTS = (
    "energy_low_nwh", "energy_high_nwh", "co2e_low_ng", "co2e_high_ng", "size_low", "size_high",
)  # fmt: skip


def upgrade() -> None:
    for name in AMOUNTS:
        added = sa.Column(name, sa.INTEGER, nullable=False, server_default=sa.text("0"))
        op.add_column("attempts", added)
    op.add_column(
        "attempts",
        sa.Column("energy_method", sa.TEXT, nullable=False, server_default=sa.text("''")),
    )
