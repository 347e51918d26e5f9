"""Environments kept, and which versions need them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    delete,
    select,
    update,
)

from ..records import (
    Environment,
    Version,
)
from . import schema
from .rows import Rows, put
from .versions import WITHOUT_INTERFACE


class Environments(Rows):
    """The environments."""

    def put_environment(self, environment: Environment) -> None:
        """Keep an environment, in place of one of the same id."""
        with self._database.writing() as connection:
            put(connection, schema.environments, environment)

    def get_environment(self, environment_id: str) -> Environment | None:
        """Return an environment."""
        query = select(schema.environments).where(schema.environments.c.id == environment_id)
        return self._one(query, Environment)

    def touch_environment(self, environment_id: str, at: datetime) -> None:
        """Note when an environment was used last."""
        environments = schema.environments
        with self._database.writing() as connection:
            connection.execute(
                update(environments)
                .where(environments.c.id == environment_id)
                .values(last_used_at=at)
            )

    def list_environments(self) -> list[Environment]:
        """Return all environments."""
        return self._all(select(schema.environments), Environment)

    def environment_users(self, environment_id: str) -> list[Version]:
        """Return the versions of tools that are not deleted which need an environment."""
        return self._all(
            select(*WITHOUT_INTERFACE)
            .join(schema.tools, schema.tools.c.id == schema.versions.c.tool_id)
            .where(
                schema.versions.c.environment_id == environment_id,
                schema.tools.c.deleted_at.is_(None),
            ),
            Version,
        )

    def environment_homes(self, environment_id: str) -> set[str]:
        """Return the ids of the homes that built an environment."""
        versions = schema.versions.c
        query = select(versions.home).where(versions.environment_id == environment_id)
        with self._database.reading() as connection:
            return set(connection.scalars(query))

    def delete_environment(self, environment_id: str) -> None:
        """Forget an environment."""
        with self._database.writing() as connection:
            connection.execute(
                delete(schema.environments).where(schema.environments.c.id == environment_id)
            )
