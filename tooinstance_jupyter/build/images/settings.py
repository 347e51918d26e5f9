"""What of this machine's settings a build needs: proxies, package indexes, certificates.

Builds of ours get them as secrets, of which nothing stays in the image; a source's own Dockerfile
could keep what it sees, so it gets the proxies only, as the builder predefines them.
"""

from __future__ import annotations

import fnmatch
import os
import re
import shlex
from collections.abc import Mapping
from pathlib import Path

from ...config import TooInstance
from ..buildpacks import indexes

_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "ftp_proxy")
_CA = "/run/secrets/ca"
_NAMES_OF_CERTIFICATES = (
    "SSL_CERT_FILE",
    "PIP_CERT",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "NPM_CONFIG_CAFILE",
    "GIT_SSL_CAINFO",
    "CARGO_HTTP_CAINFO",
    "NIX_SSL_CERT_FILE",
)
# variables that name places: these mean something in a container only if they are links
_PLACES = re.compile(r"INDEX|REGISTRY|FIND_LINKS|PROXY", re.IGNORECASE)
_NOT_PLACES = re.compile(r"STRATEGY|NO_PROXY", re.IGNORECASE)
_ON_THIS_MACHINE = re.compile(r"_(?:CERT|CAFILE|FILE|DIR)$|^PIP_CONFIG", re.IGNORECASE)
# the same setting for uv and for pip, and what separates its values there
_SAME = (
    (("UV_DEFAULT_INDEX", "UV_INDEX_URL"), "PIP_INDEX_URL"),
    (("UV_INDEX", "UV_EXTRA_INDEX_URL"), "PIP_EXTRA_INDEX_URL"),
    (("UV_FIND_LINKS",), "PIP_FIND_LINKS"),
    (("UV_INSECURE_HOST",), "PIP_TRUSTED_HOST"),
)


def proxies(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the variables that name proxies."""
    return {name: value for name, value in environment.items() if name.lower() in _PROXIES}


def variables(config: TooInstance, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return what a step of a build of ours gets to know."""
    found = proxies(environment)
    for name, value in environment.items():
        wanted = any(fnmatch.fnmatchcase(name, pattern) for pattern in config.build_environment)
        if wanted and not _ON_THIS_MACHINE.search(name) and (kept := _outside(name, value)):
            found[name] = kept
    for name, value in indexes.from_pip(environment).variables.items():
        if not _ON_THIS_MACHINE.search(name) and (kept := _outside(name, value)):
            found.setdefault(name, kept)
    for ours, theirs in _SAME:
        value = next((found[name] for name in ours if name in found), "")
        if value:
            found.setdefault(theirs, value.replace(",", " "))
    if registry := _npm_registry(environment):
        found.setdefault("NPM_CONFIG_REGISTRY", registry)
    if ca_bundle(config) is not None:
        found |= dict.fromkeys(_NAMES_OF_CERTIFICATES, _CA)
    return found


def script(values: Mapping[str, str]) -> str:
    """Return the shell script that sets variables."""
    return "".join(
        f"export {name}={shlex.quote(value)}\n"
        for name, value in sorted(values.items())
        if re.fullmatch(r"[A-Za-z_]\w*", name)
    )


def ca_bundle(config: TooInstance) -> Path | None:
    """Return the file of certificates to trust, if there is one."""
    path = Path(config.ca_bundle).expanduser()
    return path if config.ca_bundle and path.is_file() else None


def _outside(name: str, value: str) -> str:
    """Return of a setting what means something elsewhere than on this machine."""
    if not _PLACES.search(name) or _NOT_PLACES.search(name):
        return value
    if name.upper().endswith("PROXY"):
        return value
    separator = "," if name == "UV_FIND_LINKS" else " "
    links = [
        word for word in re.split(r"[\s,]+", value) if re.match(r"(?:[\w-]+=)?https?://", word)
    ]
    return separator.join(links)


def _npm_registry(environment: Mapping[str, str]) -> str:
    home = Path(environment.get("HOME") or Path.home())
    try:
        text = (home / ".npmrc").read_text("utf-8", "replace")
    except OSError:
        return ""
    found = re.search(r"^registry\s*=\s*(https?://[^\s@]+)\s*$", text, re.MULTILINE)
    return found[1] if found else ""
