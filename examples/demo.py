"""Show the main job from a link to its output, in a folder that is thrown away afterwards.

This is what `make demo` runs. Without a way to the git host, the same tool comes from its package.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

from IPython.core.interactiveshell import InteractiveShell

from tooinstance_jupyter.config import TooInstance
from tooinstance_jupyter.containers import daemon

LINK = "https://github.com/sherlock-project/sherlock"
PACKAGE = "pypi:sherlock-project --name sherlock"


def can_be_reached(link: str) -> bool:
    """Tell whether git finds a repository at a link within ten seconds."""
    try:
        found = subprocess.run(
            ["git", "ls-remote", "--exit-code", link, "HEAD"],
            capture_output=True,
            timeout=10,
            env={**os.environ, "GIT_TERMINAL_PROMPT": "0"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return found.returncode == 0


def images_can_be_had() -> bool:
    """Tell whether a Docker engine answers and reaches a registry within a minute."""
    if not daemon.is_there():
        return False
    base = TooInstance().base_images["debian"]
    try:
        pulled = subprocess.run(
            ["docker", "pull", "--quiet", base], capture_output=True, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return pulled.returncode == 0


def main() -> int:
    source = LINK if can_be_reached(LINK) else PACKAGE
    if source is PACKAGE:
        print(f"# {LINK} cannot be reached from here: its package is taken instead")
    if not images_can_be_had():
        print("# There is no Docker engine with a way to its images: the process engine is taken")
        os.environ["TOOINSTANCE_ENGINE"] = "process"
    with tempfile.TemporaryDirectory(prefix="tooinstance-demo-") as home:
        os.environ["TOOINSTANCE_HOME"] = home
        shell = InteractiveShell.instance(colors="nocolor")
        for line in (
            "%load_ext tooinstance_jupyter",
            f"%tooi create {source}",
            "run = %tooi run sherlock --version",
            "run.stdout",
            "%tooi run sherlock --timeout 1 --local --site Wikipedia --print-all google",
            "%tooi create pypi:csvkit --entry-point csvstat --name csvstat",
            "%%tooi run csvstat --csv\ncity,inhabitants\nUppsala,177074\nLund,94703\n",
            "%tooi runs",
        ):
            print(f"\nIn [{shell.execution_count}]: " + line.replace("\n", "\n   ...: "))
            result = shell.run_cell(line, store_history=True)
            if not result.success:
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
