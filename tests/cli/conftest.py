"""``tooi`` in a process of its own, with a home of its own and a tool that does as told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROBE = r"""#!/bin/sh
case "$1" in
  args) shift; for word in "$@"; do printf '[%s]\n' "$word"; done ;;
  cat) cat ;;
  both) echo out; echo err >&2 ;;
  exit) exit "$2" ;;
  kill) kill -KILL $$ ;;
  bytes) printf '\377\000\033[31m\r\nend' ;;
  wait) echo begun; sleep 300 & wait ;;
  flood) while echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; do :; done ;;
  many) seq "$2" ;;
  large) head -c "$2" /dev/zero > large; echo x > small; ln -s /etc/passwd link ;;
  odd) echo x > "$(printf 'odd\377')"; echo x > even; ln -s even link ;;
  forge) echo x > "$(printf 'a\n   1,000  forged\r\033[2Kforged')" ;;
  write) echo "a,b" > table.csv ;;
  seq) seq "$2" ;;
  seq-both) seq "$2"; seq "$2" >&2; exit 5 ;;
  secret) echo "$PROBE_TOKEN" ;;
  secrets) i=0; while [ $i -lt 20000 ]; do echo "$i $PROBE_TOKEN"; i=$((i+1)); done ;;
  *) echo "usage: probe COMMAND" ;;
esac
"""


class Tooi:
    """The command as a shell starts it."""

    def __init__(self, home: Path, folder: Path, probe: Path) -> None:
        self.home = home
        self.folder = folder
        self.probe = probe
        self.argv = [sys.executable, "-m", "tooinstance_jupyter"]
        self.env = {**os.environ, "TOOINSTANCE_HOME": str(home), "PYTHONUNBUFFERED": ""}

    def __call__(
        self, *words: str, stdin: bytes | None = None, **env: str
    ) -> subprocess.CompletedProcess[bytes]:
        given: dict[str, Any] = {"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}
        return subprocess.run(
            [*self.argv, *words],
            capture_output=True,
            cwd=self.folder,
            env={**self.env, **env},
            timeout=120,
            **given,
        )

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*self.argv, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.folder,
            env=self.env,
            # a shell starts what it runs in the background with interrupts ignored
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )


@pytest.fixture(scope="module")
def tooi(tmp_path_factory: pytest.TempPathFactory) -> Tooi:
    root = tmp_path_factory.mktemp("cli")
    made = Tooi(root / "home", root / "folder", root / "probe")
    made.folder.mkdir()
    made.probe.mkdir()
    script = made.probe / "probe.sh"
    script.write_text(PROBE)
    script.chmod(0o755)
    created = made("create", str(made.probe), "--name", "probe")
    assert created.returncode == 0, created.stderr.decode()
    return made
