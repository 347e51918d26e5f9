"""Says why the build of an image failed, and the way out of it. Pure.

What goes wrong in any kind of build is left to ``diagnose``.
"""

from __future__ import annotations

import re

from ...errors import BuildError
from .. import diagnose, error_lines
from ..diagnose import Cause
from .progress import Step

# the headers and libraries that sources most often lack, and the Debian packages that have them
_PACKAGES = {
    "Python.h": "python3-dev",
    "curl/curl.h": "libcurl4-openssl-dev",
    "ffi.h": "libffi-dev",
    "gmp.h": "libgmp-dev",
    "jpeglib.h": "libjpeg-dev",
    "libpq-fe.h": "libpq-dev",
    "libxml/xmlversion.h": "libxml2-dev",
    "libxml/tree.h": "libxml2-dev",
    "libxslt/xslt.h": "libxslt1-dev",
    "mysql.h": "default-libmysqlclient-dev",
    "ncurses.h": "libncurses-dev",
    "curses.h": "libncurses-dev",
    "openssl/ssl.h": "libssl-dev",
    "pcap.h": "libpcap-dev",
    "pcre.h": "libpcre3-dev",
    "pcre2.h": "libpcre2-dev",
    "png.h": "libpng-dev",
    "readline/readline.h": "libreadline-dev",
    "sqlite3.h": "libsqlite3-dev",
    "X11/Xlib.h": "libx11-dev",
    "yaml.h": "libyaml-dev",
    "zlib.h": "zlib1g-dev",
    "bzlib.h": "libbz2-dev",
    "lzma.h": "liblzma-dev",
    "crypto": "libssl-dev",
    "ssl": "libssl-dev",
    "curl": "libcurl4-openssl-dev",
    "z": "zlib1g-dev",
    "pq": "libpq-dev",
    "xml2": "libxml2-dev",
    "ncurses": "libncurses-dev",
    "ncursesw": "libncurses-dev",
    "readline": "libreadline-dev",
    "gcc": "build-essential",
    "g++": "build-essential",
    "cc": "build-essential",
    "c++": "build-essential",
    "make": "build-essential",
    "gfortran": "gfortran",
    "clang": "clang",
    "cmake": "cmake",
    "cargo": "cargo",
    "rustc": "cargo",
    "pg_config": "libpq-dev",
    "mysql_config": "default-libmysqlclient-dev",
    "xml2-config": "libxml2-dev",
    "curl-config": "libcurl4-openssl-dev",
    "pkg-config": "pkg-config",
    "git": "git",
}
_COMMON: diagnose.Patterns = (
    (
        r"(?:fatal error|error): '?([\w./+-]+\.h(?:pp)?)'?(?: file not found|: No such file)",
        lambda m: Cause(f"A header file is missing: {m[1]}.", _apt(m[1])),
    ),
    (
        r"(?:ld|collect2): (?:error: )?cannot find -l(\S+?):?(?:\s|$)",
        lambda m: Cause(f"The system library {m[1]} is missing.", _apt(m[1])),
    ),
    (
        r"([\w.+-]+): error while loading shared libraries: (\S+?):",
        lambda m: Cause(f"The system library {m[2]} is missing.", _apt(m[2])),
    ),
    (
        r"(?:pg_config|mysql_config|xml2-config|curl-config) (?:executable )?not found",
        lambda m: Cause(f"{m[0].split()[0]} is missing.", _apt(m[0].split()[0])),
    ),
    (
        r"(?:error: command|unable to execute|No such file or directory:|[Cc]ompiler) "
        r"'?((?:x86_64[\w-]*-|aarch64[\w-]*-)?(?:gcc|g\+\+|cc|clang|cmake|make|cargo|rustc|gfortran))"
        r"'?(?! failed with)",
        lambda m: Cause(
            f"A compiler is needed and {m[1]} is not there or failed.",
            _apt(m[1].rsplit("-", 1)[-1]),
        ),
    ),
    (
        r"Package '?([\w.+-]+)'?,? (?:required by [^\n]*, )?(?:was )?not found",
        lambda m: Cause(f"pkg-config finds no {m[1]}.", _apt(m[1])),
    ),
    (
        r"E: Unable to locate package (\S+)|E: Package '([^']+)' has no installation candidate",
        lambda m: Cause(
            f"Debian has no package {m[1] or m[2]}.",
            "apt.txt names it; its name may be another in the base image's release.",
        ),
    ),
    (
        r"(?:fatal: |remote: )?(?:could not read Username for|Authentication failed for|"
        r"Permission denied \(publickey\)|Host key verification failed)[^\n]*",
        lambda m: Cause(
            f"A repository that it depends on is private: {m[0].strip()[:200]}",
            "A build gets no credentials. Vendor the dependency, or publish it to an index that "
            "the settings name.",
        ),
    ),
    (
        r"(?:requires|needs) (?:a different )?Python[^\n]*?([<>=~!]=?\s*[\d.]+[^\n)]*)|"
        r"does not satisfy Python\s*([<>=~!]=?\s*[\d.]+)|"
        r"No interpreter found for Python ([<>=~!]*\s*[\d.]+)",
        lambda m: Cause(
            f"It needs Python {(m[1] or m[2] or m[3]).strip()}.",
            "A line `python-3.N` in its runtime.txt chooses one, where TooInstance.base_images has "
            "an image for it.",
        ),
    ),
    (
        r"(?:^|\n)[^\n]*?(?:sh: (?:line )?(?:\d+: )?)([\w.+-]+): (?:command )?not found",
        lambda m: Cause(f"{m[1]} is called, and is not in the image.", _apt(m[1])),
    ),
)
_NETWORK = re.compile(
    r"Temporary failure in name resolution|Name or service not known|Could not resolve host|"
    r"Temporary failure resolving|"
    r"ENOTFOUND|EAI_AGAIN|dns error|Network is unreachable|no such host|i/o timeout"
)
_NAMED = re.compile(
    r"(?<![\w./:@-])(?!ERROR:)([\w./:@-]+): (?:failed to resolve source metadata|"
    r"failed to do request|pull access denied|not found$|no match for platform)",
    re.MULTILINE,
)
_BASE = re.compile(
    r"failed to (?:resolve source metadata|do request|authorize|copy|fetch)|toomanyrequests|"
    r"manifest unknown|manifest for \S+ not found|error getting credentials"
)


def error_of(log: str, step: Step | None, tail: str, *, has_folder_kind: bool) -> BuildError:
    """Return the error for a build that failed.

    Parameters
    ----------
    log
        The end of all that the builder printed.
    step
        The step that failed, ``None`` if it was none.
    tail
        What the builder said beside its steps.
    has_folder_kind
        Whether the process engine might build the same source.
    """
    said = "\n".join(step.output) if step is not None else ""
    if re.search(r"No space left on device|no space left|ENOSPC", f"{said}\n{tail}"):
        return BuildError(
            "The container engine's disk is full.",
            "Free some space: `%tooi gc --yes`, then `docker system prune`.",
            code="disk_full",
        )
    if "buildx plugin must be installed" in log or "unknown command: docker buildx" in log:
        return buildx_missing()
    if step is None or (step.what.startswith("FROM ") and not said):
        return _without_step(tail, step, has_folder_kind=has_folder_kind)
    cause = cause_in_image(said or tail)
    return BuildError(f"{step.title} failed: {cause.message}", cause.hint)


def buildx_missing() -> BuildError:
    """Return the error for an engine whose client cannot build with BuildKit."""
    return BuildError(
        "Docker's build plugin, buildx, is not installed.",
        "Install it: `apt-get install docker-buildx-plugin` (Docker's packages) or `docker-buildx` "
        "(Debian, Ubuntu), `brew install docker-buildx` on a Mac. `--engine process` builds "
        "Python, Node and scripts without.",
        code="buildx_missing",
    )


def cause_in_image(said: str) -> Cause:
    """Return why a step failed, and the way out where there is an image to change."""
    recent = diagnose.recent_lines(said)
    if _NETWORK.search(recent):
        return Cause(
            "There is no network inside the build, or a name could not be resolved.",
            "Is this machine online? Proxy variables and TooInstance.ca_bundle are handed to "
            "builds.",
        )
    if re.search(
        r"CERTIFICATE_VERIFY_FAILED|self.signed certificate|unable to get local issuer"
        r"|certificate verify failed|server certificate verification failed",
        recent,
    ):
        return Cause(
            "The certificate of an index is not trusted inside the build.",
            "Behind a proxy that has certificates of its own, set TooInstance.ca_bundle.",
        )
    if told := diagnose.told_by(_COMMON, recent):
        return told
    found = diagnose.cause(said)
    if found.hint == diagnose.NEEDS_A_SYSTEM:
        return Cause(found.message, _apt(""))
    return found


def _without_step(tail: str, step: Step | None, *, has_folder_kind: bool) -> BuildError:
    named = _NAMED.search(tail)
    if named or _BASE.search(tail):
        image = _image_in(tail) or (named[1] if named else "")
        image = image or (step.what.removeprefix("FROM ") if step else "")
        name = f" {image}" if image else ""
        if "toomanyrequests" in tail or "rate limit" in tail:
            why = "its registry's limit of pulls is reached"
        elif _NETWORK.search(tail) or "failed to do request" in tail or "dial tcp" in tail:
            why = "its registry cannot be reached"
        elif "denied" in tail or "authoriz" in tail or "unauthorized" in tail:
            why = "it does not exist, or may not be pulled without a login"
        elif "no match for platform" in tail:
            why = "it is not there for this platform"
        else:
            why = "there is none of that name"
        instead = " `--engine process` builds this without an image." if has_folder_kind else ""
        return BuildError(
            f"The base image{name} cannot be had: {why}.",
            "TooInstance.registry_mirror names a registry to take it from, TooInstance.base_images "
            f"another image; `docker login` and `docker pull` help too.{instead}",
            code="base_missing",
        )
    said = error_lines.find(tail).line.removeprefix("failed to solve: ")
    return BuildError(
        f"The builder refuses it: {said[:500] or 'it said nothing'}", "The log has it in full."
    )


def _image_in(tail: str) -> str:
    """Return the image that a message about a registry names, in its link too."""
    if linked := re.search(r"https?://([^/\s]+)/v2/([\w./-]+)/manifests/([\w.:-]+)", tail):
        registry, name, tag = linked.groups()
        is_default = registry.endswith("docker.io")
        place = "" if is_default else f"{registry}/"
        return f"{place}{name.removeprefix('library/') if is_default else name}:{tag}"
    found = re.search(r"docker\.io/(?:library/)?([\w./-]+(?::[\w.-]+)?)", tail)
    return found[1] if found else ""


def _apt(name: str) -> str:
    package = _PACKAGES.get(name, "")
    if package:
        return f"A line `{package}` in its apt.txt installs it."
    return (
        "A line with the name of the Debian package that has it, in its apt.txt, installs it "
        "(https://packages.debian.org tells which)."
    )
