"""Lists the commands of an installed distribution; run by image builds, also by old Pythons.

Arguments: the virtual environment, and the distribution's name or its wheel.
"""

import re
import sys
from importlib.metadata import distributions
from pathlib import Path

venv = Path(sys.argv[1])
wanted = Path(sys.argv[2]).name.split("-")[0] if sys.argv[2].endswith(".whl") else sys.argv[2]


def plain(name: str) -> str:
    """Return a name as packages are compared by."""
    return re.sub(r"[-_.]+", "-", name or "").lower()


for site in venv.glob("lib/python*/site-packages"):
    for distribution in distributions(path=[str(site)]):
        if plain(distribution.metadata["Name"]) != plain(wanted):
            continue
        declared = list(distribution.entry_points)
        gui = {point.name for point in declared if point.group == "gui_scripts"}
        names = [point.name for point in declared if point.group == "console_scripts"]
        names += [
            file.name
            for file in distribution.files or ()
            if file.as_posix().startswith("../../../bin/") and file.as_posix().count("/") == 4
        ]
        for name in dict.fromkeys(names):
            if name not in gui and name.isprintable() and (venv / "bin" / name).is_file():
                print(name, venv / "bin" / name, sep="\t")
