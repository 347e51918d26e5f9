"""The one interface of all front ends, in its forms. The contract is in ``base``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..config import TooInstance
    from .base import Client


def connect(config: TooInstance | None = None) -> Client:
    """Return a client for the present user: of a server that serves this process, or without one.

    Parameters
    ----------
    config
        The settings; those of the configuration files and the environment by default.

    Raises
    ------
    TooInstanceError
        If the settings name a server that does not answer or does not let us in.

    Examples
    --------
    >>> client = connect()
    >>> run = client.wait(client.run(NewRun(tool="sherlock", arguments="--version")).number)
    """
    from ..config import load
    from ..errors import TooInstanceError
    from .discovery import find

    config = config or load()
    found = find(config)
    if found.server is None:
        return _in_process(config, found.why)
    from .http import HttpClient

    client = HttpClient(found.server, ca_bundle=config.ca_bundle)
    try:
        client.check()
    except TooInstanceError as error:
        client.close()
        if found.is_asked_for:
            raise
        return _in_process(config, error.message)
    return client


def _in_process(config: TooInstance, why: str) -> Client:
    from .local import LocalClient

    return LocalClient(config, why=why)
