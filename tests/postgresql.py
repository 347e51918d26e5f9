"""A real PostgreSQL server for the tests, in a folder of its own, on a socket in that folder."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import make_url

PASSWORD = "hush-hush"
_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "listen_addresses": "''",
    "max_connections": "100",
    "shared_buffers": "32MB",
    "synchronous_commit": "off",
}

# far faster than to truncate them
_EMPTY = """
DO $$
DECLARE
  name text;
BEGIN
  FOR name IN SELECT relname FROM pg_stat_user_tables WHERE relname <> 'alembic_version'
      ORDER BY relname IN ('runs', 'tools'), relname LOOP
    EXECUTE 'DELETE FROM ' || name;
  END LOOP;
  FOR name IN SELECT sequencename FROM pg_sequences LOOP
    EXECUTE 'ALTER SEQUENCE ' || name || ' RESTART';
  END LOOP;
END $$
"""


class PostgreSQL:
    """A server; called, it makes a fresh database and returns its URL.

    Databases belong to a user who may do nothing else, as an administrator would set them up.
    """

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="tooi-pg-"))
        self._cluster = self._folder / "cluster"
        self._programs = _programs()
        self._numbers = itertools.count(1)
        # it refuses to run as root
        self._user = []
        if os.geteuid() == 0:
            self._user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
            shutil.chown(self._folder, "postgres", "postgres")
        self._do("initdb", "--username=postgres", "--auth-local=trust", "--no-sync", "-E", "UTF8")
        users = self._cluster / "pg_hba.conf"
        users.write_text("local all postgres trust\nlocal all all scram-sha-256\n")
        with (self._cluster / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = {value}\n" for name, value in _SETTINGS.items())
            file.write(f"unix_socket_directories = '{self._folder}'\n")
        self.start()
        self.execute(f"CREATE ROLE ada LOGIN PASSWORD '{PASSWORD}'")

    @staticmethod
    def is_installed() -> bool:
        """Tell whether this machine has the programs."""
        return (_programs() / "initdb").exists()

    def __call__(self) -> str:
        """Return the URL of a new database."""
        name = f"tools_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} OWNER ada")
        return f"postgresql+psycopg://ada:{PASSWORD}@/{name}?host={self._folder}"

    def empty(self, url: str) -> None:
        """Delete what stands in the tables of a database, and count from one again."""
        self.execute(_EMPTY, database=database_of(url))

    def execute(self, statement: str, *, database: str = "postgres") -> None:
        """Carry a statement out as the administrator."""
        import psycopg

        where = f"host={self._folder} user=postgres dbname={database}"
        with psycopg.connect(where, autocommit=True) as connection:
            connection.execute(statement.encode())

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._do("pg_ctl", "start", "--wait", "--silent", "--log", str(self._folder / "log"))

    def stop(self) -> None:
        """End it at once, and all connections with it; its databases stay."""
        self._do("pg_ctl", "stop", "--wait", "--silent", "--mode=fast")

    def restart(self) -> None:
        """End it and start it again."""
        self.stop()
        self.start()

    def remove(self) -> None:
        """End it, and delete its databases."""
        subprocess.run(self._command("pg_ctl", "stop", "--mode=immediate"), capture_output=True)
        shutil.rmtree(self._folder)

    def _do(self, program: str, *arguments: str) -> None:
        # what it starts would keep a pipe open
        with (self._folder / f"{program}.log").open("wb") as log:
            done = subprocess.run(
                self._command(program, *arguments), stdout=log, stderr=log, cwd="/", timeout=120
            )
        if done.returncode != 0:
            told = (self._folder / f"{program}.log").read_text(errors="replace")
            raise RuntimeError(f"{program} failed: {told}")

    def _command(self, program: str, *arguments: str) -> Sequence[str]:
        return [*self._user, str(self._programs / program), "-D", str(self._cluster), *arguments]


def database_of(url: str) -> str:
    """Return the name of a database."""
    return str(make_url(url).database)


def _programs() -> Path:
    """Return the folder of the newest release, where Debian installs it, or of that in PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else Path(shutil.which("initdb") or "").parent
