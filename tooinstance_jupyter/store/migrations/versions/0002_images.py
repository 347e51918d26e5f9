"""What images need: arguments of a build, and where in an image a tool starts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column(
        "tools", sa.Column("build_arguments", sa.JSON, nullable=False, server_default="{}")
    )
    op.add_column("environments", sa.Column("workdir", sa.Text, nullable=False, server_default=""))
