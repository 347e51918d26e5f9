"""The contract of an image buildpack: it recognises sources and says how they become an image.

Building is left to ``maker``, choosing between candidates to ``detect``. Other packages add their
own as an entry point of the group ``tooinstance_jupyter.image_buildpacks``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from ...config import TooInstance
from ...records import Candidate
from ..base import Checkout


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a candidate becomes an image.

    Parameters
    ----------
    dockerfile
        The whole text of a Dockerfile whose context is the checkout; without a ``# syntax`` line,
        since that would fetch a frontend.
    files
        Files to add to the context, below ``.tooinstance/``.
    ignored
        What of the context stays behind, in the notation of ``.dockerignore``. It takes the place
        of a ``.dockerignore`` of the source, which is about an image of another kind; unless the
        recipe is foreign.
    build_arguments
        Values for ``ARG``; nothing secret.
    commands
        Every way to run the image that is known beforehand: entry point and argv. Empty where the
        image's own ENTRYPOINT and CMD are to be taken.
    commands_at
        A file in the image that lists what only the installation shows: on each line an entry
        point, a tab, and the path to execute. Added to `commands`.
    is_foreign
        Whether the Dockerfile is the source's own: it is read with suspicion, and gets neither
        secrets nor a cache that builds of ours use.
    is_stock
        Whether repo2docker's own buildpacks write the Dockerfile, which is empty here then.
    """

    dockerfile: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    ignored: Sequence[str] = (".git",)
    build_arguments: Mapping[str, str] = field(default_factory=dict)
    commands: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    commands_at: str = ""
    is_foreign: bool = False
    is_stock: bool = False


class ImageBuildpack(Protocol):
    """What knows one kind of source."""

    runtime: ClassVar[str]

    def __init__(self, config: TooInstance) -> None:
        """Take the settings, which an entry point is called with."""
        ...

    def detect(self, checkout: Checkout) -> Sequence[Candidate]:
        """Return the ways to run a checkout, by reading files only: nothing of it is executed."""
        ...

    def recipe(self, checkout: Checkout, candidate: Candidate) -> Recipe:
        """Return how the candidate becomes an image; the same for the same files and settings.

        Raises
        ------
        BuildError
            If it cannot, with what to do about it.
        """
        ...
