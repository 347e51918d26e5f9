"""What a server needs: whose a run is, whom it is shared with, links, users, and changes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
# Ids are given before a commit shows what they are of. Whoever reads on from the last one that it
# saw would miss a smaller one, so those who write changes take turns, from before the id is given.
_TAKE_TURNS = """
CREATE FUNCTION announce_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('tooinstance_changes'));
  PERFORM pg_notify('tooinstance_changes', '');
  RETURN NULL;
END $$
"""


def upgrade() -> None:
    op.add_column("versions", sa.Column("home", sa.String(64), nullable=False, server_default=""))
    op.add_column("runs", sa.Column("access", sa.JSON, nullable=False, server_default="[]"))
    op.add_column(
        "runs", sa.Column("pinned", sa.Boolean, nullable=False, server_default=sa.false())
    )
    op.add_column("runs", sa.Column("home", sa.String(64), nullable=False, server_default=""))
    op.add_column("runs", sa.Column("stored_at", sa.Text, nullable=False, server_default=""))
    op.create_index("runs_of_all_by_tool", "runs", ["tool_name", "number"])
    op.create_index("runs_of_all_by_status", "runs", ["status", "number"])
    op.create_index("tools_by_owner", "tools", ["owner", "created_at", "id"])
    op.create_index("tools_by_visibility", "tools", ["visibility", "created_at", "id"])
    op.create_table(
        "run_access",
        sa.Column(
            "run_number",
            _NUMBER,
            sa.ForeignKey("runs.number", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("name", sa.String(320), primary_key=True),
    )
    op.create_index("run_access_by_name", "run_access", ["name", "run_number"])
    op.create_table(
        "links",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column(
            "run_number",
            _NUMBER,
            sa.ForeignKey("runs.number", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("owner", sa.String(320), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False, unique=True),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("expires_at", sa.DateTime, nullable=False),
        sa.Column("revoked_at", sa.DateTime),
    )
    op.create_index("links_by_run", "links", ["run_number"])
    op.create_table(
        "users",
        sa.Column("name", sa.String(320), primary_key=True),
        sa.Column("display_name", sa.String(320), nullable=False),
        sa.Column("email", sa.String(320)),
        sa.Column("groups", sa.JSON, nullable=False),
        sa.Column("last_seen_at", sa.DateTime, nullable=False),
    )
    op.create_table(
        "changes",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("subject", sa.String(32), nullable=False),
        sa.Column("tool_id", sa.String(32)),
        sa.Column("action", sa.String(20), nullable=False),
        sa.Column("owner", sa.String(320), nullable=False),
        sa.Column("seen_by", sa.JSON, nullable=False),
        sqlite_autoincrement=True,
    )
    if op.get_context().dialect.name == "sqlite":
        _make_search_tables_of_sqlite()
    if op.get_context().dialect.name == "postgresql":
        op.execute(_TAKE_TURNS)
        op.execute(
            "CREATE TRIGGER announce_change BEFORE INSERT ON changes "
            "FOR EACH STATEMENT EXECUTE FUNCTION announce_change()"
        )


def _make_search_tables_of_sqlite() -> None:
    # a row of FTS5 is found again by its number only
    op.execute(
        "CREATE TABLE tool_search_numbers "
        "(number INTEGER PRIMARY KEY, tool_id VARCHAR(32) NOT NULL UNIQUE)"
    )
    op.execute("INSERT INTO tool_search_numbers SELECT rowid, tool_id FROM tool_search")
    op.execute(
        "CREATE VIRTUAL TABLE tool_search_names USING fts5(name, tokenize='trigram', detail='none')"
    )
    op.execute(
        "INSERT INTO tool_search_names (rowid, name) SELECT rowid, "
        "'  ' || replace(replace(replace(name, '-', ' '), '_', ' '), '.', ' ') || ' ' "
        "FROM tool_search"
    )
    op.execute("CREATE VIRTUAL TABLE tool_search_terms USING fts5vocab(tool_search_names, 'row')")
    # each text ends with the words that `search.words.marks_of` makes; no run is shared yet
    op.execute(
        "UPDATE run_search SET text = text || ' ' || char(57344) || "
        "lower(hex((SELECT owner FROM runs WHERE runs.number = run_search.rowid)))"
    )
    op.execute(
        "UPDATE tool_search SET text = text || (SELECT ' ' || char(57344) || lower(hex(owner)) || "
        "CASE visibility WHEN 'public' THEN ' ' || char(57345) || lower(hex('*')) ELSE '' END "
        "FROM tools WHERE tools.id = tool_search.tool_id)"
    )
    op.execute(
        "UPDATE tool_search SET text = text || "
        "(SELECT coalesce(group_concat(' ' || char(57345) || lower(hex(name)), ''), '') "
        "FROM tool_access WHERE tool_access.tool_id = tool_search.tool_id)"
    )
