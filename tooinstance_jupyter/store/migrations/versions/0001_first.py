"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_LIVE = sa.text("deleted_at IS NULL")
_OPEN = sa.text("finished_at IS NULL")
_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "tools",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("owner", sa.String(320), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("source", sa.JSON, nullable=False),
        sa.Column("runtime", sa.String(64)),
        sa.Column("entry_point", sa.Text),
        sa.Column("output", sa.String(20), nullable=False),
        sa.Column("visibility", sa.String(20), nullable=False),
        sa.Column("access", sa.JSON, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("updated_at", sa.DateTime, nullable=False),
        sa.Column("deleted_at", sa.DateTime),
    )
    op.create_index(
        "one_name_per_owner",
        "tools",
        ["owner", "name"],
        unique=True,
        sqlite_where=_LIVE,
        postgresql_where=_LIVE,
    )
    op.create_index("tools_by_name", "tools", ["name"])
    op.create_index("tools_by_age", "tools", ["created_at", "id"])
    op.create_table(
        "tool_access",
        sa.Column(
            "tool_id",
            sa.String(32),
            sa.ForeignKey("tools.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("name", sa.String(320), primary_key=True),
    )
    op.create_index("tool_access_by_name", "tool_access", ["name"])
    op.create_table(
        "versions",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("tool_id", sa.String(32), sa.ForeignKey("tools.id"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("source", sa.JSON, nullable=False),
        sa.Column("engine", sa.String(64), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("steps_done", sa.Integer, nullable=False),
        sa.Column("steps_total", sa.Integer, nullable=False),
        sa.Column("commit", sa.String(128)),
        sa.Column("recipe_hash", sa.String(64)),
        sa.Column("environment_id", sa.String(64)),
        sa.Column("runtime", sa.String(64)),
        sa.Column("entry_point", sa.Text),
        sa.Column("command", sa.JSON, nullable=False),
        sa.Column("candidates", sa.JSON, nullable=False),
        sa.Column("notes", sa.JSON, nullable=False),
        sa.Column("failure", sa.JSON),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("finished_at", sa.DateTime),
    )
    op.create_index("one_number_per_tool", "versions", ["tool_id", "number"], unique=True)
    op.create_index("versions_by_status", "versions", ["status"])
    op.create_index("versions_by_environment", "versions", ["environment_id"])
    op.create_table(
        "environments",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("engine", sa.String(64), nullable=False),
        sa.Column("location", sa.Text, nullable=False),
        sa.Column("commit", sa.String(128), nullable=False),
        sa.Column("recipe_hash", sa.String(64), nullable=False),
        sa.Column("path", sa.JSON, nullable=False),
        sa.Column("variables", sa.JSON, nullable=False),
        sa.Column("readable", sa.JSON, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("last_used_at", sa.DateTime, nullable=False),
    )
    op.create_table(
        "runs",
        sa.Column("number", _NUMBER, primary_key=True),
        sa.Column("id", sa.String(32), nullable=False, unique=True),
        sa.Column("owner", sa.String(320), nullable=False),
        sa.Column("tool_id", sa.String(32)),
        sa.Column("tool_name", sa.String(400), nullable=False),
        sa.Column("version_id", sa.String(32)),
        sa.Column("version_number", sa.Integer, nullable=False),
        sa.Column("environment_id", sa.String(64)),
        sa.Column("arguments", sa.JSON, nullable=False),
        sa.Column("command", sa.JSON, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("stdin", sa.Text),
        sa.Column("inputs", sa.JSON, nullable=False),
        sa.Column("variables", sa.JSON, nullable=False),
        sa.Column("secrets", sa.JSON, nullable=False),
        sa.Column("limits", sa.JSON, nullable=False),
        sa.Column("engine", sa.String(64), nullable=False),
        sa.Column("isolation", sa.String(64), nullable=False),
        sa.Column("output", sa.String(20), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("exit_code", sa.Integer),
        sa.Column("failure", sa.JSON),
        sa.Column("stdout", sa.JSON, nullable=False),
        sa.Column("stderr", sa.JSON, nullable=False),
        sa.Column("files", sa.JSON, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("started_at", sa.DateTime),
        sa.Column("finished_at", sa.DateTime),
        sqlite_autoincrement=True,
    )
    op.create_index("runs_by_owner", "runs", ["owner", "number"])
    op.create_index("runs_by_tool", "runs", ["owner", "tool_name", "number"])
    op.create_index("runs_by_status", "runs", ["owner", "status", "number"])
    op.create_index("runs_by_age", "runs", ["owner", "created_at"])
    op.create_index("runs_open", "runs", ["status"], sqlite_where=_OPEN, postgresql_where=_OPEN)
    if op.get_context().dialect.name == "sqlite":
        op.execute("CREATE VIRTUAL TABLE run_search USING fts5(text, prefix='2 3')")
        op.execute(
            "CREATE VIRTUAL TABLE tool_search "
            "USING fts5(tool_id UNINDEXED, name, text, prefix='2 3')"
        )
    else:
        _make_search_tables_of_postgresql()


def _make_search_tables_of_postgresql() -> None:
    op.execute(
        "CREATE TABLE run_search (number BIGINT PRIMARY KEY, text TEXT NOT NULL, "
        "words TSVECTOR NOT NULL)"
    )
    op.execute(
        "CREATE TABLE tool_search (tool_id VARCHAR(32) PRIMARY KEY, name TEXT NOT NULL, "
        "text TEXT NOT NULL, words TSVECTOR NOT NULL)"
    )
    op.execute("CREATE INDEX run_search_by_words ON run_search USING GIN (words)")
    op.execute("CREATE INDEX tool_search_by_words ON tool_search USING GIN (words)")
    try:
        with op.get_bind().begin_nested():
            op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
            op.execute(
                "CREATE INDEX tool_search_by_name ON tool_search USING GIN (name gin_trgm_ops)"
            )
    except sa.exc.DBAPIError:
        pass  # a server may lack it, or not let us have it: then names that come near take longer
