"""Reads files of a checkout, which may be anything: too large, no text, or leading elsewhere."""

from __future__ import annotations

from collections.abc import Container, Iterator
from pathlib import Path

_MOST_BYTES = 1_000_000
_SUFFIXES = (".py", ".sh", ".bash", ".pl", "")
_PLACES = ("", "bin", "scripts", "src", "tools")
# what is beside a tool rather than the tool
_BESIDE = (
    "setup.py",
    "conftest.py",
    "conf.py",
    "noxfile.py",
    "tasks.py",
    "fabfile.py",
    "versioneer.py",
    "__init__.py",
    "install.sh",
    "uninstall.sh",
    "build.sh",
    "test.sh",
    "run_tests.sh",
    "release.sh",
    "configure",
    "autogen.sh",
    "bootstrap",
    "bootstrap.sh",
    "Makefile.PL",
    "Build.PL",
)


def text(path: Path) -> str:
    """Return the beginning of a file as text; nothing if it is no regular file."""
    try:
        if path.is_symlink() or not path.is_file():
            return ""
        with path.open("rb") as file:
            return file.read(_MOST_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def scripts(folder: Path, suffixes: Container[str] = _SUFFIXES) -> Iterator[tuple[str, str]]:
    """Yield path and text of what may be a script, at the top and in a few usual folders."""
    for place in _PLACES:
        parent = folder / place
        if parent.is_symlink() or not parent.is_dir():
            continue
        for path in sorted(parent.iterdir())[:2_000]:
            name = path.name
            is_beside = name in _BESIDE or name.startswith(("test_", ".", "-"))
            odd = any(ord(c) < 32 or 0xD800 <= ord(c) < 0xE000 for c in name)
            if is_beside or odd or name.endswith("_test.py"):
                continue
            if path.suffix in suffixes and (content := text(path)):
                yield (f"{place}/{name}" if place else name), content


def shebang(content: str) -> list[str]:
    """Return the interpreter that a script names, with its arguments; nothing without one."""
    if not content.startswith("#!"):
        return []
    words = content.split("\n", 1)[0][2:].split()
    if words and words[0].endswith("/env"):
        words = [word for word in words[1:] if not word.startswith("-") and "=" not in word]
    return words
