"""The environments of versions: found, fetched where they are elsewhere, and got ready.

What they are made of is left to ``build``, what runs in them to ``engines``.
"""

from __future__ import annotations

import logging
import shlex
from dataclasses import dataclass
from pathlib import Path

from ..config import TooInstance
from ..errors import ConflictError, EngineError, EnvironmentForbiddenError, TooInstanceError
from ..records import Environment, Version
from ..store.repository import Store
from .engines import Engines

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Environments:
    """Environments, by the versions that have them.

    Parameters
    ----------
    home
        The id of the home.
    """

    config: TooInstance
    store: Store
    engines: Engines
    home: str

    def of(self, name: str, version: Version) -> Environment:
        """Return the environment of a version of a tool; raises `ConflictError` without one."""
        environment = self.find(version)
        if environment is None:
            raise self._gone(name, version)
        return environment

    def find(self, version: Version) -> Environment | None:
        """Return the environment of a version, if one is recorded."""
        if version.environment_id is None:
            return None
        environment = self.store.get_environment(version.environment_id)
        if environment is None or not self._is_ours(version):
            return environment
        # another home that made the same one may have been the last to say where it is
        return in_this_home(self.config, environment)

    async def fetch(self, name: str, version: Version, environment: Environment) -> None:
        """Have the environment of a version here, fetched if it is elsewhere.

        Raises
        ------
        ConflictError
            If it is nowhere to be had.
        EnvironmentForbiddenError
            If this UNIX user may not read it.
        EngineError
            If the engine does not answer.
        """
        engine = self.engines(version.engine)
        try:
            if not await engine.has(environment):
                await engine.pull(environment)
        except EnvironmentForbiddenError as error:
            raise EnvironmentForbiddenError(
                f"{name}@{version.number} cannot be run here. {error.message}",
                _anew(name, version),
            ) from error
        except EngineError as error:
            if error.error_code != "pull_failed":
                raise
            raise self._gone(name, version) from error

    async def get_ready(self, owner: str, version: Version) -> None:
        """Have the engine get ready for the first run of a version that has just been built."""
        environment = self.find(version)
        if environment:
            try:
                await self.engines(version.engine).warm(environment, owner, self.config.limits())
            except TooInstanceError as error:
                _logger.info("nothing is got ready version=%s reason=%s", version.id, error)

    def _is_ours(self, version: Version) -> bool:
        return version.home in ("", self.home)

    def _gone(self, name: str, version: Version) -> ConflictError:
        if self._is_ours(version):
            where, hint = "is no longer on this machine", f"`%tooi build {name}` makes it again."
        else:
            where, hint = "is in another home, and not on this machine", _anew(name, version)
        return ConflictError(
            f"The environment of {name}@{version.number} {where}.",
            hint,
            code="environment_missing",
        )


def in_this_home(config: TooInstance, environment: Environment) -> Environment:
    """Return an environment that several homes have as this one has it, if it does."""
    if Path(environment.location).parent == config.environments_path:
        return environment
    from ..build import folders  # builds are a lot to import

    return folders.in_home(config, environment) or environment


def _anew(name: str, version: Version) -> str:
    return (
        f"`%tooi build {name}` builds it here, if it is yours; "
        f"`%tooi create {shlex.quote(str(version.source))}` makes one of your own."
    )
