"""The contract of a maker: it turns a candidate into an environment, of a folder or an image.

The order in which candidates are tried is left to ``builder``, recognising them to the buildpacks.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol

from ..config import TooInstance
from ..records import Candidate, Environment, Interface, SourceKind
from .base import Checkout, Report
from .work import Work


class Finder(Protocol):
    """What finds ways to run a checkout: a buildpack, of whichever kind."""

    def detect(self, checkout: Checkout) -> Sequence[Candidate]:
        """Return the ways to run a checkout, by reading files only."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What was asked for beside the source.

    Parameters
    ----------
    owner
        The principal who builds: no cache is shared with another's builds.
    build_arguments
        Values for the ``ARG`` of a source's own Dockerfile.
    force
        Build anew even what is built already.
    """

    owner: str = ""
    build_arguments: Mapping[str, str] = field(default_factory=dict)
    force: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a build came to; ``interface`` is what its tool can be given, if its help says so."""

    environment: Environment
    candidate: Candidate
    command: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    notes: tuple[str, ...]
    commit: str
    interface: Interface | None = None


class Maker(Protocol):
    """What makes environments of one kind."""

    kind: ClassVar[str]
    """``"folder"`` or ``"image"``, as an engine's capabilities name it."""

    @property
    def finders(self) -> Sequence[Finder]:
        """The buildpacks that are asked for candidates."""
        ...

    def __init__(self, config: TooInstance) -> None:
        """Take the settings."""
        ...

    def begin(self, report: Report, folder: Path) -> Work:
        """Return what a build of this kind works with; ``folder`` is its own while it lasts."""
        ...

    def make(self, checkout: Checkout, candidate: Candidate, work: Work, order: Order) -> Outcome:
        """Make the environment of a candidate, or find it made, and check that it starts.

        Raises
        ------
        TooInstanceError
            If it cannot be made; nothing half-made is left.
        """
        ...


def digest_of(values: Mapping[str, str]) -> str:
    """Return the SHA-256 of names and values, whatever their order."""
    return hashlib.sha256(json.dumps(dict(values), sort_keys=True).encode()).hexdigest()


def environment_id(
    checkout: Checkout, *, engine: str, platform: str, recipe: Mapping[str, str]
) -> str:
    """Return what two builds have in common exactly if their environments are the same.

    A commit or a content digest says all about files; a version needs its package's name.
    """
    source = checkout.source
    is_package = source.kind in (SourceKind.PYPI, SourceKind.NPM)
    return digest_of(
        {
            "engine": engine,
            "kind": source.kind,
            "name": source.location if is_package or source.kind is SourceKind.ARCHIVE else "",
            "commit": checkout.commit,
            "subdirectory": source.subdirectory or "",
            "platform": platform,
            **recipe,
        }
    )[:32]
