"""What Alembic runs for every command: one connection, one transaction for all revisions."""

from alembic import context
from sqlalchemy import Connection, create_engine, event

from portico.adapters.store.schema import METADATA

engine = create_engine(
    context.config.attributes["url"], isolation_level="AUTOCOMMIT", pool_pre_ping=False
)


@event.listens_for(engine, "begin")
def begin(connection: Connection) -> None:
    """The driver would not open a transaction for DDL; an upgrade is all or nothing."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        render_as_batch=True,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.exec_driver_sql("COMMIT")
engine.dispose()
