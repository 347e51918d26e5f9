"""The environments of versions: found, fetched where they are elsewhere, and got ready.

What they are made of is left to ``build``, what runs in them to ``engines``.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from ..config import TooInstance
from ..errors import ConflictError, EngineError, TooInstanceError
from ..records import Environment, Version
from ..store.repository import Store
from .engines import Engines

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Environments:
    """Environments, by the versions that have them."""

    config: TooInstance
    store: Store
    engines: Engines

    def of(self, name: str, version: Version) -> Environment:
        """Return the environment of a version of a tool; raises `ConflictError` without one."""
        environment = version.environment_id and self.store.get_environment(version.environment_id)
        if not environment:
            raise _gone(name, version)
        return environment

    async def fetch(self, name: str, version: Version, environment: Environment) -> None:
        """Have the environment of a version here, fetched if it is elsewhere."""
        engine = self.engines(version.engine)
        if not await engine.has(environment):
            try:
                await engine.pull(environment)
            except EngineError as error:
                if error.error_code != "pull_failed":
                    raise
                raise _gone(name, version) from error

    async def get_ready(self, owner: str, version: Version) -> None:
        """Have the engine get ready for the first run of a version that has just been built."""
        environment = version.environment_id and self.store.get_environment(version.environment_id)
        if environment:
            try:
                await self.engines(version.engine).warm(environment, owner, self.config.limits())
            except TooInstanceError as error:
                _logger.info("nothing is got ready version=%s reason=%s", version.id, error)


def _gone(name: str, version: Version) -> ConflictError:
    return ConflictError(
        f"The environment of {name}@{version.number} is no longer on this machine.",
        f"`%tooi build {name}` makes it again.",
        code="environment_missing",
    )
