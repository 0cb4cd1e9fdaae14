"""Results of load tests, and whether an attempt's model was in portico.yaml."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column(
        "attempts", sa.Column("listed", sa.INTEGER, nullable=False, server_default=sa.text("1"))
    )
    # Until now only models that portico.yaml does not name had a slash in their name, but for the
    # simulator's own, which always count as listed.
    op.execute("UPDATE attempts SET listed = 0 WHERE instr(model, '/') > 0 AND simulated = 0")
    op.create_table(
        "bench_results",
        sa.Column("number", sa.INTEGER, primary_key=True),
        *(sa.Column(name, sa.TEXT, nullable=False) for name in ("id", "workload")),
        *(sa.Column(name, sa.INTEGER, nullable=False) for name in ("started_ns", "simulated")),
        sa.Column("body", sa.BLOB, nullable=False),
    )
    op.create_index("bench_results_id", "bench_results", ["id"], unique=True)
