"""The id of an installation's home, by which what several of them share is told apart.

Container engines carry it as a label; records of a shared database say by it whose a run is.
"""

from __future__ import annotations

import os
import re
import secrets

from .config import TooInstance


def home_id(config: TooInstance) -> str:
    """Return the id of the home of `config`.

    It is made once, and kept in the file ``installation`` of the home.
    """
    path = config.home_path / "installation"
    try:
        if found := re.fullmatch(r"[0-9a-f]{16,64}", path.read_text("ascii").strip()):
            return found[0]
    except (FileNotFoundError, ValueError):
        pass
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"installation.{os.getpid()}.{secrets.token_hex(4)}")
    made = secrets.token_hex(16)
    temporary.write_text(made + "\n", "ascii")
    try:
        # several processes may be the first: the one that links first names it
        os.link(temporary, path)
    except FileExistsError:
        return home_id(config)
    finally:
        temporary.unlink()
    return made
