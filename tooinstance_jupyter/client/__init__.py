"""The one interface of all front ends, in its forms. The contract is in ``base``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..config import TooInstance
    from .base import Client


def connect(config: TooInstance | None = None) -> Client:
    """Return a client for the present user.

    Parameters
    ----------
    config
        The settings; those of the configuration files and the environment by default.

    Examples
    --------
    >>> client = connect()
    >>> run = client.wait(client.run(NewRun(tool="sherlock", arguments="--version")).number)
    """
    from ..config import load
    from .local import LocalClient

    return LocalClient(config or load())
