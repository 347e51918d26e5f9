"""Links to runs kept, with the hashes of their tokens."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    insert,
    select,
    update,
)

from ..records import (
    Link,
)
from . import schema
from .rows import Rows, as_row

_LINK = [column for column in schema.links.c if column is not schema.links.c.digest]


class Links(Rows):
    """The links to runs."""

    def add_link(self, link: Link, digest: str) -> None:
        """Keep a new link, with the hash of its token."""
        with self._database.writing() as connection:
            connection.execute(insert(schema.links).values(**as_row(link), digest=digest))

    def find_link(self, digest: str) -> Link | None:
        """Return the link whose token has a hash."""
        return self._one(select(*_LINK).where(schema.links.c.digest == digest), Link)

    def get_link(self, link_id: str) -> Link | None:
        """Return a link by its id."""
        return self._one(select(*_LINK).where(schema.links.c.id == link_id), Link)

    def list_links(self, run_number: int) -> list[Link]:
        """Return the links to a run, newest first."""
        links = schema.links.c
        query = select(*_LINK).where(links.run_number == run_number)
        return self._all(query.order_by(links.created_at.desc()), Link)

    def revoke_link(self, link_id: str, at: datetime) -> None:
        """Note that a link is good for nothing any more."""
        links = schema.links
        with self._database.writing() as connection:
            connection.execute(
                update(links)
                .where(links.c.id == link_id, links.c.revoked_at.is_(None))
                .values(revoked_at=at)
            )
