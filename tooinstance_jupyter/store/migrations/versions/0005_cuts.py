"""What of a run's output was not kept, in words, so that lists can say it without its files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_MORE = "more files than are kept of a run"
_NEVER_KEPT = ("a symbolic link", "a hard link", "a device, pipe or socket")


def upgrade() -> None:
    op.add_column("runs", sa.Column("cut", sa.Text, nullable=False, server_default=""))
    runs = sa.table(
        "runs",
        sa.column("number", sa.BigInteger),
        sa.column("files", sa.JSON),
        sa.column("stdout", sa.JSON),
        sa.column("stderr", sa.JSON),
        sa.column("cut", sa.Text),
    )
    connection = op.get_bind()
    number = 0
    while True:
        # few at a time: the files of one can be thousands
        query = sa.select(runs.c.number, runs.c.stdout, runs.c.stderr, runs.c.files)
        query = query.where(runs.c.number > number).order_by(runs.c.number).limit(50)
        rows = connection.execute(query).all()
        for row in rows:
            if cut := _in_words(row.stdout, row.stderr, row.files):
                connection.execute(
                    sa.update(runs).where(runs.c.number == row.number).values(cut=cut)
                )
        if not rows:
            return
        number = rows[-1].number


def _in_words(
    stdout: Mapping[str, int], stderr: Mapping[str, int], files: Sequence[Mapping[str, Any]]
) -> str:
    parts = [
        f"{name} cut at {kept:,} of {total:,} bytes"
        for name, size in (("stdout", stdout), ("stderr", stderr))
        if (kept := size.get("kept_bytes", 0)) < (total := size.get("total_bytes", 0))
    ]
    why = [file["skipped"] for file in files if file.get("skipped") is not None]
    missing = sum(reason not in (_MORE, *_NEVER_KEPT) for reason in why)
    if missing:
        parts.append(f"{missing:,} {'file' if missing == 1 else 'files'} not kept")
    if _MORE in why:
        parts.append(f"files after the first {len(files) - 1:,} not kept")
    return ", ".join(parts)
