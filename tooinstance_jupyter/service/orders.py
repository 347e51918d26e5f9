"""What is kept of a build beside its record: how it was asked for, and how often it was begun."""

from __future__ import annotations

import dataclasses
import json
import os
from dataclasses import dataclass
from pathlib import Path

_NAME = "order.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOrder:
    """How a build was asked for.

    Parameters
    ----------
    force
        Whether to build anew even what is built already.
    has_credential
        Whether its link held a credential, which is kept in memory only.
    server
        The token of the server that has it in its line; empty for a process that is none.
    attempts
        How often it was begun.
    """

    force: bool = False
    has_credential: bool = False
    server: str = ""
    attempts: int = 0

    @classmethod
    def read(cls, folder: Path) -> BuildOrder:
        """Return the order in a build's folder; what says nothing asked for nothing special."""
        try:
            return cls(**json.loads((folder / _NAME).read_text()))
        except (OSError, ValueError, TypeError):
            return cls()

    def write(self, folder: Path) -> None:
        """Keep the order in a build's folder, whole or not at all."""
        temporary = folder / f"{_NAME}.new"
        temporary.touch(mode=0o600)
        with temporary.open("w") as file:
            json.dump(dataclasses.asdict(self), file)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(folder / _NAME)
