"""What the keeper is asked to run, as a file in the run's directory; without any secret."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ...records import Limits

FILE = "spec.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What is fixed when a container is created, so that one made ahead serves any equal order."""

    image: str
    owner: str
    workdir: str
    limits: Limits
    gpus: str = ""
    platform: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One run."""

    run_id: str
    place: Place
    argv: Sequence[str]
    variables: Mapping[str, str] = field(default_factory=dict)
    has_stdin: bool = False
    grace_s: float = 10.0

    def write(self, directory: Path) -> None:
        """Write it where the keeper finds it."""
        path = directory / FILE
        path.touch(mode=0o600)
        path.write_text(json.dumps(asdict(self)), "utf-8", "surrogateescape")

    @classmethod
    def read(cls, directory: Path) -> Order:
        """Return what `write` wrote."""
        told = json.loads((directory / FILE).read_text("utf-8", "surrogateescape"))
        return cls(**{**told, "place": place_from(told["place"])})


def place_from(told: Mapping[str, object]) -> Place:
    """Return a place from its JSON."""
    limits = told["limits"]
    assert isinstance(limits, Mapping)  # noqa: S101 written by this module
    return Place(**{**told, "limits": Limits(**limits)})  # type: ignore[arg-type]
