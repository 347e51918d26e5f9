"""Scripts as an image: the files as they are, with the interpreter and programs that they call."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

from ....config import TooInstance
from ....records import Candidate, Runtime, SourceKind
from ...base import Checkout
from ...buildpacks import files
from ...buildpacks.script import ScriptBuildpack, interpreter_of
from .. import dockerfile
from ..base import Recipe
from ..dockerfile import ADDED, SOURCE, added, inside
from .perl import modules

_BY_SUFFIX = {
    **{".awk": "awk", ".fish": "fish", ".ksh": "ksh", ".lua": "lua", ".php": "php"},
    **{".rb": "ruby", ".tcl": "tclsh", ".zsh": "zsh"},
}
_INTERPRETERS = {
    **{"awk": "mawk", "guile": "guile-3.0", "lua": "lua5.4", "luajit": "luajit"},
    **{"node": "nodejs", "php": "php-cli", "python": "python3", "Rscript": "r-base-core"},
    **{"tclsh": "tcl", "wish": "tk", "escript": "erlang-base"},
    # every Debian has these: to look for them takes apt many seconds
    **dict.fromkeys(("sh", "bash", "dash"), ""),
}
_SHELLS = ("sh", "bash", "dash", "zsh", "ksh", "fish")
# what scripts of shells call, and the Debian package that it is in
_PROGRAMS = {
    **{name: name for name in ("bc", "curl", "file", "gawk", "git", "jq", "less", "openssl")},
    **{name: name for name in ("python3", "rsync", "tree", "unzip", "wget", "whois", "xxd", "zip")},
    **{"column": "bsdextrautils", "dig": "dnsutils", "host": "dnsutils", "free": "procps"},
    **{"ip": "iproute2", "ping": "iputils-ping", "ps": "procps", "xmllint": "libxml2-utils"},
    **{"xz": "xz-utils"},
}
_CALL = re.compile(
    r"(?m)(?:^|[;&|(`!{]|\b(?:if|then|do|else|elif|while|until|command -v|which|type|hash|exec"
    r"|xargs|time)\s)\s*(" + "|".join(map(re.escape, _PROGRAMS)) + r")(?=[\s;|&)]|$)"
)


class ScriptImageBuildpack:
    """See `build.images.base.ImageBuildpack`."""

    runtime: ClassVar[str] = Runtime.SCRIPT

    def __init__(self, config: TooInstance) -> None:
        self._config = config
        self._found = ScriptBuildpack(config)

    def detect(self, checkout: Checkout) -> list[Candidate]:
        """Return the scripts whose interpreter is known; Python's are another buildpack's."""
        found = list(self._found.detect(checkout))
        if checkout.source.kind not in (SourceKind.PYPI, SourceKind.NPM):
            found += [
                Candidate(
                    runtime=self.runtime,
                    entry_point=path,
                    reason=f"{Path(_words(path, content)[0]).name} script",
                    rank=38,
                )
                for path, content in files.scripts(checkout.folder, _BY_SUFFIX)
            ]
        return found

    def recipe(self, checkout: Checkout, candidate: Candidate) -> Recipe:
        """Return how the candidate becomes an image."""
        paths = {c.entry_point for c in self.detect(checkout)} | {candidate.entry_point}
        texts = {path: files.text(checkout.folder / path) for path in sorted(paths)}
        commands = {path: _command(path, content) for path, content in texts.items()}
        chosen = commands[candidate.entry_point]
        content = texts[candidate.entry_point]
        packages = [_package(chosen[0])]
        if chosen[0] in _SHELLS:
            packages += sorted({_PROGRAMS[name] for name in _CALL.findall(content)})
        # those with certificates are of no use without these
        packages += ["ca-certificates"] if {"curl", "wget", "git"} & set(packages) else []
        known = modules(checkout.folder, [content]) if chosen[0] == "perl" else []
        return Recipe(
            dockerfile=dockerfile.text(
                dockerfile.from_(dockerfile.base(self._config, self.runtime)),
                *dockerfile.install([package for package in packages if package]),
                *dockerfile.install(dockerfile.apt_packages(checkout)),
                dockerfile.install_listed(
                    f"sh {ADDED}/perl_packages.sh {' '.join(known)}",
                    title="Installing Perl modules",
                    mounts=[added("perl_packages.sh")],
                )
                if known
                else [],
                dockerfile.copy(".", SOURCE),
                *dockerfile.end(command=chosen, path=SOURCE),
            ),
            files={"perl_packages.sh": inside("perl_packages.sh")} if known else {},
            ignored=(".git", ".tooinstance/Dockerfile*"),
            commands=commands,
        )


def _words(path: str, content: str) -> list[str]:
    own = interpreter_of(path, content)
    return own or [_BY_SUFFIX.get(Path(path).suffix, "sh")]


def _command(path: str, content: str) -> tuple[str, ...]:
    words = _words(path, content)
    program = Path(words[0]).name
    # awk takes the file as an option's value
    by_option = ("-f",) if program.endswith("awk") and "-f" not in words else ()
    return (program, *words[1:], *by_option, f"{SOURCE}/{path}")


def _package(program: str) -> str:
    """Return the Debian package with an interpreter, nothing if there can be none."""
    package = _INTERPRETERS.get(program, program.lower())
    return package if re.fullmatch(r"[a-z0-9][a-z0-9+.-]+[a-z0-9+]", package) else ""
