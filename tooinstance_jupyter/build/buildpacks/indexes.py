"""Says to uv what pip's settings say of package indexes, for those who only ever set up pip."""

from __future__ import annotations

import configparser
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

# pip's setting: uv's variable, the variables that say the same already, what separates values
_SETTINGS = {
    "index-url": ("UV_DEFAULT_INDEX", ("UV_DEFAULT_INDEX", "UV_INDEX_URL"), " "),
    "extra-index-url": ("UV_INDEX", ("UV_INDEX", "UV_EXTRA_INDEX_URL"), " "),
    "find-links": ("UV_FIND_LINKS", ("UV_FIND_LINKS",), ","),
    "trusted-host": ("UV_INSECURE_HOST", ("UV_INSECURE_HOST",), " "),
    "cert": ("SSL_CERT_FILE", ("SSL_CERT_FILE", "SSL_CERT_DIR"), " "),
}
_LINKS = ("index-url", "extra-index-url", "find-links")


class Indexes(NamedTuple):
    """Variables for uv, and the files of this machine that they name."""

    variables: Mapping[str, str]
    readable: Sequence[Path]


def from_pip(environment: Mapping[str, str] = os.environ) -> Indexes:
    """Return what pip's files and variables say where uv's own variables say nothing.

    An index whose link holds a password is left out, since every set-up script would see it; so
    is a folder, since what it links to may be anywhere.
    """
    settings = dict(_read(environment))
    settings |= {
        name: value
        for name in _SETTINGS
        if (value := environment.get("PIP_" + name.upper().replace("-", "_")))
    }
    variables: dict[str, str] = {}
    readable: list[Path] = []
    for name, (variable, same, separator) in _SETTINGS.items():
        if any(environment.get(other) for other in same):
            continue
        kept: list[str] = []
        value = settings.get(name, "")
        if name == "cert" and Path(value).is_file():
            kept = [value]
            readable.append(Path(value))
        elif name != "cert":
            kept = [word for word in value.split() if name not in _LINKS or _is_safe(word)]
        if kept:
            variables[variable] = separator.join(kept)
    if "UV_INDEX" in variables and "UV_INDEX_STRATEGY" not in environment:
        variables["UV_INDEX_STRATEGY"] = "unsafe-best-match"  # as pip chooses among indexes
    return Indexes(variables, readable)


def _is_safe(value: str) -> bool:
    try:
        link = urlsplit(value)
    except ValueError:
        return False
    return link.scheme in ("http", "https") and link.username is None


def _read(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the settings of pip's files, what counts more last."""
    home = Path(environment.get("HOME") or Path.home())
    named = environment.get("PIP_CONFIG_FILE")
    files = [] if named == os.devnull else [Path("/etc/pip.conf"), Path("/etc/xdg/pip/pip.conf")]
    if named != os.devnull:
        config = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
        files += [home / ".pip" / "pip.conf", config / "pip" / "pip.conf"]
        files += [home / "Library" / "Application Support" / "pip" / "pip.conf"]
        files += [Path(sys.prefix) / "pip.conf", *([Path(named)] if named else [])]
    for file in files:
        parser = configparser.RawConfigParser(strict=False)
        try:
            parser.read_string(file.read_text("utf-8"))
        except (OSError, ValueError, configparser.Error):
            continue
        for section in ("global", "install"):
            if parser.has_section(section):
                yield from parser.items(section)
