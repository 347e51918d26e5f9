"""Compiles folders of Python files ahead, and says in one line what could not be; never fails.

Run by builds of folders and of images, also by old Pythons. Arguments: the folders. Without
bytecode a file only takes longer to start, and some packages have files that no Python 3 can read.
"""

import re
import subprocess
import sys

# neither runs `.pth` files of what is installed, which are code; most files of tests are not run
options = ["-q", "-j", "0", "-x", r"[/\\]tests?[/\\]"]
done = subprocess.run(
    [sys.executable, "-I", "-S", "-m", "compileall", *options, *sys.argv[1:]],
    stdout=subprocess.PIPE,
    stderr=subprocess.STDOUT,
    check=False,
)
if done.returncode != 0:
    said = done.stdout.decode("utf-8", "replace")
    files = re.findall(r"(?m)^\*\*\* Error compiling '(.{1,500})'\.\.\.", said)
    more = f" and {len(files) - 3} more" if files[3:] else ""
    cause = ", ".join(files[:3]) + more if files else "".join(said.strip().splitlines()[-1:])
    print(f"Not compiled ahead, which only makes starts slower: {cause[:1000]}")
