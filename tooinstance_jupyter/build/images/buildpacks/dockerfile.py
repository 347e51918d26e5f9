"""A source's own Dockerfile, built as it is where that can be, its ENTRYPOINT and CMD kept."""

from __future__ import annotations

import shlex
from typing import ClassVar

from ....config import TooInstance
from ....errors import BuildError
from ....records import Candidate, SourceKind
from ...base import Checkout
from ...buildpacks import files
from .. import dockerfile
from ..base import Recipe

_NAME = "Dockerfile"
_RANK = 65


class DockerfileBuildpack:
    """See `build.images.base.ImageBuildpack`."""

    runtime: ClassVar[str] = "dockerfile"

    def __init__(self, config: TooInstance) -> None:
        """Need no setting: what it starts from is decided when it is built."""

    def detect(self, checkout: Checkout) -> list[Candidate]:
        """Return the Dockerfile, in the folders where repo2docker looks for one."""
        if checkout.source.kind in (SourceKind.PYPI, SourceKind.NPM) or not _text(checkout):
            return []
        return [Candidate(runtime=self.runtime, entry_point="", reason=_NAME, rank=_RANK)]

    def recipe(self, checkout: Checkout, candidate: Candidate) -> Recipe:
        """Return the source's own Dockerfile; an entry point is taken as an argv in its image."""
        entry_point = candidate.entry_point
        commands: dict[str, tuple[str, ...]] = {}
        if entry_point not in ("", _NAME):
            try:
                commands[entry_point] = tuple(shlex.split(entry_point))
            except ValueError as error:
                raise BuildError(
                    f"The entry point {entry_point!r} is no command: {error}.",
                    "Give it as in a shell, such as --entry-point 'python app.py'.",
                    code="entry_point_invalid",
                ) from error
        return Recipe(
            dockerfile=_text(checkout),
            commands=commands,
            is_foreign=True,
        )


def _text(checkout: Checkout) -> str:
    return files.text(dockerfile.config_folder(checkout.folder) / _NAME)
