"""Compiled programs as images: made in a stage that is thrown away, then copied with libraries.

How each build system is recognised and run is left to ``buildpacks.compiled``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from ...config import TooInstance
from ...records import Candidate, SourceKind
from ..base import Checkout
from ..buildpacks import files
from . import dockerfile
from .base import Recipe
from .dockerfile import ADDED, COMMANDS, TOOL, added, bound, inside, run

STAGE = "/stage"
"""Where an installation is put before it is copied into the image: DESTDIR."""

SOURCE = "/source"
"""Where the source is compiled."""

BUILD = "/build"
"""Where a build system that keeps apart from the source puts what it makes."""

INCOMPLETE = "echo 'Not all of it could be installed; what was compiled is taken.'"
"""What is done after an installation that failed: whether its programs start shows later."""

# what build files call a library, and the Debian package to compile with it
_LIBRARIES = {
    **{"bz2|bzip2": "libbz2-dev", "libcurl|curl": "libcurl4-openssl-dev", "expat": "libexpat1-dev"},
    **{"gmp": "libgmp-dev", "jansson": "libjansson-dev", "lzma|liblzma": "liblzma-dev"},
    **{"n?curses(?:es)?w?|tinfo": "libncurses-dev", "pcre2(?:-8|posix)?": "libpcre2-dev"},
    **{"png|libpng\\d*": "libpng-dev", "readline": "libreadline-dev", "sqlite3?": "libsqlite3-dev"},
    **{"ssl|crypto|openssl": "libssl-dev", "xml2|libxml-?2(?:\\.0)?": "libxml2-dev"},
    **{"yaml|yaml-0\\.1": "libyaml-dev", "z|zlib": "zlib1g-dev", "zstd|libzstd": "libzstd-dev"},
}
_NAMED = (
    r"(?i)-l(?:%s)\b|(?:AC_(?:CHECK|SEARCH)\w*\(|PKG_CHECK\w*\(|pkg_(?:check|search)_modules?\("
    r"|find_(?:package|library)\(|(?:dependency|find_library)\(|pkg-config)[^\n]*?\b(?:lib)?(?:%s)\b"
)


class CompiledBuildpack:
    """What the build systems share; see `build.images.base.ImageBuildpack`."""

    runtime: ClassVar[str]
    reason: ClassVar[str]
    rank: ClassVar[int]
    files: ClassVar[Sequence[str]]
    tools: ClassVar[Sequence[str]] = ()
    build: ClassVar[Sequence[str]]

    def __init__(self, config: TooInstance) -> None:
        self._config = config

    def is_there(self, folder: Path) -> bool:
        """Tell whether a folder is built by this build system."""
        return any(files.text(folder / name) for name in self.files)

    def detect(self, checkout: Checkout) -> list[Candidate]:
        """Return the one way to build it; its commands show when it is installed."""
        is_package = checkout.source.kind in (SourceKind.PYPI, SourceKind.NPM)
        if is_package or not self.is_there(checkout.folder):
            return []
        return [Candidate(runtime=self.runtime, entry_point="", reason=self.reason, rank=self.rank)]

    def recipe(self, checkout: Checkout, candidate: Candidate) -> Recipe:
        """Return how it is compiled and installed."""
        base = dockerfile.base(self._config, self.runtime)
        asked = dockerfile.apt_packages(checkout)
        texts = "\n".join(files.text(checkout.folder / name) for name in self.files)
        return Recipe(
            dockerfile=dockerfile.text(
                dockerfile.from_(base, "build"),
                # a layer that all build systems share
                *dockerfile.install(dockerfile.COMPILERS, title="Getting compilers"),
                *dockerfile.install(self.tools),
                *dockerfile.install(sorted({*asked, *libraries(texts)})),
                dockerfile.copy(".", SOURCE),
                run(
                    f"Compiling {checkout.name}",
                    f"cd {SOURCE}",
                    "rm -rf .tooinstance",
                    # so that programs find libraries of their own
                    f"export LDFLAGS=-Wl,-rpath,{TOOL}/lib",
                    *self.build,
                ),
                *installed(SOURCE, BUILD),
                dockerfile.from_(base),
                *packages_needed(),
                *dockerfile.install([name for name in asked if not name.endswith("-dev")]),
                dockerfile.copy(f"{STAGE}/", "/", stage="build"),
                *dockerfile.end(path=f"{TOOL}/bin:{TOOL}/sbin"),
            ),
            files={"installed.sh": inside("installed.sh")},
            ignored=(),  # some programs take their version from git
            commands_at=COMMANDS,
        )


def installed(*built: str) -> list[str]:
    """Return the step after an installation into `STAGE`: what there is, and what that needs.

    Parameters
    ----------
    built
        Folders whose programs are taken where none was installed.
    """
    return [
        run(
            "Finding the commands and the libraries that they need",
            f"sh {ADDED}/installed.sh {STAGE} {' '.join(built)}",
            mounts=[added("installed.sh")],
        )
    ]


def packages_needed() -> list[str]:
    """Return the step that installs what `installed` found to be needed."""
    return [
        dockerfile.install_listed(
            "cat /packages.txt",
            title="Installing the libraries that it needs",
            mounts=[bound("/packages.txt", "/packages.txt", stage="build")],
        )
    ]


def libraries(text: str) -> list[str]:
    """Return the Debian packages with the libraries that build files name, as far as known."""
    return [
        package for names, package in _LIBRARIES.items() if re.search(_NAMED % (names, names), text)
    ]
