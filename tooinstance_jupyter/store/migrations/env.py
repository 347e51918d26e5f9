"""How Alembic reaches the database: through the connection that `Store` hands to it."""

from __future__ import annotations

from alembic import context

from tooinstance_jupyter.store.schema import metadata

connection = context.config.attributes["connection"]
if connection.dialect.name == "postgresql":
    connection.exec_driver_sql("SET LOCAL statement_timeout = 0")  # a large table takes its time
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
