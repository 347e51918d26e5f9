"""Finds modules that Pythons and setuptools no longer have, and what brings them back.

What a package imports before anything else it cannot do without, and seldom declares where it was
always there. Run inside images, too, also by old Pythons: with a virtual environment, and folders
or names of modules, it prints what to install, one a line.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path

_MOST_BYTES = 1_000_000
_SETUPTOOLS = "setuptools<81"
# the first Python without the module, and the package that has it
REMOVED: dict[str, tuple[tuple[int, ...], str]] = {
    "pkg_resources": ((0,), _SETUPTOOLS),
    "distutils": ((3, 12), _SETUPTOOLS),
    "imp": ((3, 12), "zombie-imp"),
    "asynchat": ((3, 12), "standard-asynchat"),
    "asyncore": ((3, 12), "standard-asyncore"),
    "smtpd": ((3, 12), "standard-smtpd"),
    "aifc": ((3, 13), "standard-aifc"),
    "audioop": ((3, 13), "audioop-lts"),
    "cgi": ((3, 13), "legacy-cgi"),
    "cgitb": ((3, 13), "standard-cgitb"),
    "chunk": ((3, 13), "standard-chunk"),
    "crypt": ((3, 13), "standard-crypt"),
    "imghdr": ((3, 13), "standard-imghdr"),
    "nntplib": ((3, 13), "standard-nntplib"),
    "pipes": ((3, 13), "standard-pipes"),
    "sndhdr": ((3, 13), "standard-sndhdr"),
    "sunau": ((3, 13), "standard-sunau"),
    "telnetlib": ((3, 13), "standard-telnetlib"),
    "uu": ((3, 13), "standard-uu"),
    "xdrlib": ((3, 13), "standard-xdrlib"),
}
PACKAGES = frozenset(package for _, package in REMOVED.values())
"""What may be printed."""

# at the beginning of a line: what stands in a condition or a function may never be run
_IMPORT = re.compile(rb"(?m)^(?:import|from)[ \t]+(" + "|".join(REMOVED).encode() + rb")\b")


def in_folders(folders: Iterable[Path]) -> set[str]:
    """Return the modules of `REMOVED` that the files of folders import, without their tests."""
    found: set[str] = set()
    for folder in folders:
        for place, names, files in os.walk(folder):
            names[:] = [name for name in names if name not in ("test", "tests", "setuptools")]
            for path in (Path(place, name) for name in files if name.endswith(".py")):
                if path.name != "setup.py" and path.is_file() and not path.is_symlink():
                    with path.open("rb") as file:
                        found |= {name.decode() for name in _IMPORT.findall(file.read(_MOST_BYTES))}
    return found


def packages(modules: Iterable[str], site: Path, version: tuple[int, int]) -> list[str]:
    """Return what brings modules back to a Python of a version that has them not in its folder."""
    found: set[str] = set()
    for module in modules:
        since, package = REMOVED[module]
        place = site / ("setuptools/_distutils" if module == "distutils" else module)
        if version >= since and not place.exists() and not place.with_suffix(".py").exists():
            found.add(package)
    return sorted(found)


if __name__ == "__main__":
    library = Path(sys.argv[1], "lib", f"python{sys.version_info[0]}.{sys.version_info[1]}")
    more = [word for word in sys.argv[2:] if word not in REMOVED]
    wanted = in_folders([library / "site-packages", *map(Path, more)]).union(sys.argv[2:])
    for package in packages(
        wanted.intersection(REMOVED), library / "site-packages", sys.version_info[:2]
    ):
        print(package)
