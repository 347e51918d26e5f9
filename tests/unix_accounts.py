"""UNIX users without privileges: processes of theirs, started by root."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

_REPOSITORY = Path(__file__).parents[1]
_PATIENCE_S = 300
# all that a process of one of them may need, also where the interpreter was installed for root
_PACKAGES = os.pathsep.join((str(_REPOSITORY), sysconfig.get_path("platlib")))


@dataclass(frozen=True)
class Account:
    """A UNIX user who is in no group but its own, with a home folder that only it can read.

    Parameters
    ----------
    uid
        Its number; it need not have a name.
    python
        An interpreter that it may run.
    home
        Its home folder.
    """

    uid: int
    python: str
    home: Path

    @property
    def variables(self) -> Mapping[str, str]:
        """Variables of its processes, beside those that all need."""
        return {"HOME": str(self.home), "PYTHONPATH": _PACKAGES, "PYTHONDONTWRITEBYTECODE": "1"}

    @property
    def identity(self) -> dict[str, Any]:
        """Arguments of `subprocess` that make a process its own."""
        return {"user": self.uid, "group": self.uid, "extra_groups": []}

    def run(self, *argv: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a program as this user, and return how it ended."""
        kept = ("PATH", "LANG", "TOOINSTANCE_ENGINE")
        return subprocess.run(
            [*argv],
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE_S,
            cwd=self.home,
            env={
                **{name: os.environ[name] for name in kept if name in os.environ},
                **self.variables,
                **variables,
            },
            umask=0o022,
            **self.identity,
        )

    def tell(self, code: str) -> Any:
        """Return what Python code, run as this user, gives to its function `tell`."""
        whole = "import json\ndef tell(value): print('\\n' + json.dumps(value))\n"
        ended = self.run(self.python, "-c", whole + textwrap.dedent(code))
        assert ended.returncode == 0, f"user {self.uid}: {ended.stderr[-3000:]}"
        return json.loads(ended.stdout.splitlines()[-1])

    def owns(self, folder: Path) -> None:
        """Make it the owner of a folder and all that is in it."""
        for path in (folder, *folder.rglob("*")):
            os.chown(path, self.uid, self.uid, follow_symlinks=False)


def make_account(uid: int, home: Path) -> Account:
    """Return a user, with its home folder made; skip where there can be none."""
    if os.geteuid() != 0:
        pytest.skip("only root can start processes of other UNIX users")
    python = _python(uid)
    if python is None:
        pytest.skip("no interpreter with the packages of these tests can be run by other users")
    home.mkdir(mode=0o700)
    os.chown(home, uid, uid)
    return Account(uid, python, home)


@functools.cache
def _python(uid: int) -> str | None:
    """Return an interpreter that a user may run with the packages of this one."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    names = (f"/usr/bin/python{version}", f"/usr/local/bin/python{version}", "/usr/bin/python3")
    for python in (sys.executable, *filter(shutil.which, names)):
        try:
            ended = subprocess.run(
                [python, "-c", "import tooinstance_jupyter.client.local, jupyter_server"],
                env={"PYTHONPATH": _PACKAGES, "PYTHONDONTWRITEBYTECODE": "1"},
                cwd="/",
                capture_output=True,
                check=False,
                user=uid,
                group=uid,
                extra_groups=[],
            )
        except OSError:
            continue
        if ended.returncode == 0:
            return python
    return None
