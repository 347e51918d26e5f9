"""Users kept, as they were seen last, and found by how their names begin."""

from __future__ import annotations

from sqlalchemy import (
    or_,
    select,
)

from ..records import (
    User,
)
from . import schema
from .rows import Rows, put


class Users(Rows):
    """The users."""

    def put_user(self, user: User) -> None:
        """Keep a user, in place of what was known under the name."""
        with self._database.writing() as connection:
            put(connection, schema.users, user)

    def find_users(self, text: str, limit: int) -> list[User]:
        """Return the users whose name, display name or e-mail begins with a text, by name."""
        users = schema.users.c
        matches = or_(
            users.name.istartswith(text, autoescape=True),
            users.display_name.istartswith(text, autoescape=True),
            users.email.istartswith(text, autoescape=True),
        )
        return self._all(
            select(schema.users).where(matches).order_by(users.name).limit(limit), User
        )
