"""What a server needs: whose a run is, whom it is shared with, links, users, and changes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("versions", sa.Column("home", sa.String(64), nullable=False, server_default=""))
    op.add_column("runs", sa.Column("access", sa.JSON, nullable=False, server_default="[]"))
    op.add_column(
        "runs", sa.Column("pinned", sa.Boolean, nullable=False, server_default=sa.false())
    )
    op.add_column("runs", sa.Column("home", sa.String(64), nullable=False, server_default=""))
    op.add_column("runs", sa.Column("stored_at", sa.Text, nullable=False, server_default=""))
    op.create_table(
        "run_access",
        sa.Column(
            "run_number",
            sa.Integer,
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
            sa.Integer,
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
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("subject", sa.String(32), nullable=False),
        sa.Column("tool_id", sa.String(32)),
        sa.Column("action", sa.String(20), nullable=False),
        sa.Column("owner", sa.String(320), nullable=False),
        sa.Column("seen_by", sa.JSON, nullable=False),
        sqlite_autoincrement=True,
    )
