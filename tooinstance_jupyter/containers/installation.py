"""The name of this installation on container engines, which several installations may share."""

from __future__ import annotations

import os
import re
import secrets

from ..config import TooInstance


def installation_id(config: TooInstance) -> str:
    """Return the id that images and containers of this installation carry as a label.

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
        return installation_id(config)
    finally:
        temporary.unlink()
    return made
