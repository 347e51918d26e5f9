"""Keeps records and finds them again; nothing here knows who may see what is found.

Only the visibility of tools is pushed into the queries, where it says what ``access`` says.
"""

from __future__ import annotations

from .changes import Changes
from .database import Database
from .environments import Environments
from .links import Links
from .runs import Runs
from .tools import Tools
from .users import Users
from .versions import Versions


class Store(Tools, Versions, Environments, Runs, Links, Users, Changes):
    """The records of one installation.

    Parameters
    ----------
    url
        SQLAlchemy's URL of the database; it is made, or brought up to date, where it needs to be.

    Raises
    ------
    DatabaseNewerError
        If a newer release wrote it.
    StorageError
        If it cannot be read or written.
    """

    def __init__(self, url: str) -> None:
        super().__init__(Database(url))

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()
