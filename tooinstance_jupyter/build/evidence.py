"""What a checkout's build files, packaging and sources say that it is. Nothing is run.

Deciding between what is found is left to ``kinds``.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

from .base import Checkout
from .buildpacks import files, python_files
from .buildpacks.node import commands, package_json

BESIDE = frozenset(
    {
        *("benches", "benchmark", "benchmarks", "contrib", "deps", "doc", "docs", "example"),
        *("examples", "extern", "external", "fuzz", "fuzzing", "man", "node_modules", "packaging"),
        *("research", "site", "spec", "t", "test", "testdata", "tests", "third_party"),
        *("thirdparty", "vendor", "website", "xt"),
    }
)
"""Folders that hold no source of the program itself."""

C_RUNTIMES = frozenset({"autotools", "cmake", "meson", "make"})
"""The runtimes that compile C and C++."""

PLACES_OF_HELPERS = ("scripts", "tools")
"""Folders of scripts that help with the source of a program."""

_HELPER_WORDS = frozenset(
    {
        *("autogen", "bench", "benchmark", "build", "bump", "changelog", "ci", "codegen"),
        *("configure", "coverage", "crosscompile", "deploy", "dev", "docs", "fastentrypoints"),
        *("format", "fuzz", "gen", "generate", "install", "lint", "make", "pgo", "publish"),
        *("release", "sanitise", "sanitize", "setup", "test", "tests", "travis", "uninstall"),
        *("version",),
    }
)
_BINDINGS = frozenset({"binding", "bindings", "ext", "py", "python", "swig", "wrapper", "wrappers"})
_MOST_FILES = 20_000
_MOST_READ = 300
_SUFFIXES = {
    **dict.fromkeys((".c", ".cc", ".cpp", ".cxx", ".m", ".mm", ".cu", ".f", ".f90", ".vala"), "c"),
    **dict.fromkeys((".js", ".mjs", ".cjs", ".ts", ".mts", ".tsx", ".jsx"), "node"),
    **{".go": "go", ".rs": "rust", ".java": "java", ".kt": "java", ".scala": "java"},
    **{".py": "python", ".rb": "ruby", ".pl": "perl", ".pm": "perl", ".php": "php"},
    **{".r": "r", ".R": "r", ".jl": "julia", ".swift": "swift", ".zig": "zig"},
    **{".hs": "haskell", ".ml": "ocaml", ".nim": "nim", ".d": "d", ".cr": "crystal"},
    **{".ex": "elixir", ".erl": "erlang", ".dart": "dart", ".cs": "dotnet", ".fs": "dotnet"},
}
_MAIN = re.compile(r"(?m)^[ \t]*(?:[\w:]+[ \t*]+)?w?main[ \t]*\(")
_GO_MAIN = re.compile(r"(?m)^package\s+main\b")
_EXE_FILES = re.compile(r"EXE_FILES\s*=>\s*\[([^\]]*)\]")
_EXECUTABLES = re.compile(r"\.executables\s*(?:=|<<|\+=)\s*(\[[^\]]*\]|%w.[^\]})>|]*|['\"][^'\"]+)")
_WORD = re.compile(r"[A-Za-z0-9_][\w./-]*")
_GEMS_OWN = frozenset({"bundle", "console", "rake", "rspec", "rubocop", "setup", "test"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One kind of program that a checkout may be.

    Parameters
    ----------
    what
        The language and its build system, for people.
    language
        The one whose amount of source speaks for it.
    runtimes
        The runtimes that build it; none where only a Dockerfile of its own does.
    programs
        Files of the checkout that its packaging names as programs.
    is_named
        Whether it has the name of the source.
    has_program
        Whether something in it can be started; else it may be a library.
    is_bindings
        Whether it only makes a program of another kind usable from its language.
    """

    what: str
    language: str
    runtimes: frozenset[str] = frozenset()
    programs: frozenset[str] = frozenset()
    is_named: bool = False
    has_program: bool = True
    is_bindings: bool = False


@dataclass(frozen=True, slots=True)
class _BuildSystem:
    what: str
    language: str
    files: Sequence[str]
    runtimes: frozenset[str] = frozenset()
    needs_sources: bool = False


_BUILD_SYSTEMS = (
    _BuildSystem("Go", "go", ("go.mod",), frozenset({"go"})),
    _BuildSystem("Rust", "rust", ("Cargo.toml",), frozenset({"rust"})),
    _BuildSystem(
        "C or C++ (autotools)",
        "c",
        ("configure.ac", "configure.in", "configure", "Makefile.am"),
        C_RUNTIMES,
        needs_sources=True,
    ),
    _BuildSystem("C or C++ (CMake)", "c", ("CMakeLists.txt",), C_RUNTIMES, needs_sources=True),
    _BuildSystem("C or C++ (Meson)", "c", ("meson.build",), C_RUNTIMES, needs_sources=True),
    _BuildSystem(
        "C or C++ (make)",
        "c",
        ("Makefile", "makefile", "GNUmakefile"),
        C_RUNTIMES,
        needs_sources=True,
    ),
    _BuildSystem("Java (Maven)", "java", ("pom.xml",), frozenset({"java"})),
    _BuildSystem(
        "Java (Gradle)", "java", ("build.gradle", "build.gradle.kts"), frozenset({"java"})
    ),
    _BuildSystem("R", "r", ("DESCRIPTION",), frozenset({"r"})),
    _BuildSystem("Julia", "julia", ("Project.toml",), frozenset({"julia"})),
    _BuildSystem("Haskell", "haskell", ("stack.yaml", "cabal.project", "*.cabal")),
    _BuildSystem("OCaml", "ocaml", ("dune-project",)),
    _BuildSystem("Zig", "zig", ("build.zig",), needs_sources=True),
    _BuildSystem("Nim", "nim", ("*.nimble",)),
    _BuildSystem("D", "d", ("dub.json", "dub.sdl")),
    _BuildSystem("Crystal", "crystal", ("shard.yml",)),
    _BuildSystem("Elixir", "elixir", ("mix.exs",)),
    _BuildSystem("Erlang", "erlang", ("rebar.config",)),
    _BuildSystem("Scala", "java", ("build.sbt",)),
    _BuildSystem("Swift", "swift", ("Package.swift",), needs_sources=True),
    _BuildSystem(".NET", "dotnet", ("*.sln", "*.csproj", "*.fsproj")),
    _BuildSystem("Dart", "dart", ("pubspec.yaml",)),
)


@dataclass
class Sources:
    """The sources of a checkout: how many files and bytes of each language, and those of C."""

    count: Counter[str] = field(default_factory=Counter)
    size_bytes: Counter[str] = field(default_factory=Counter)
    of_c: list[Path] = field(default_factory=list)

    @cached_property
    def has_main(self) -> bool:
        """Tell whether there is a program among the sources of C, and not only a library."""
        # where it usually is comes first
        ordered = sorted(self.of_c, key=lambda path: ("main" not in path.stem, len(path.parts)))
        return any(
            path.stem.lower() == "main" or _MAIN.search(files.text(path))
            for path in ordered[:_MOST_READ]
        )


def sources_of(folder: Path) -> Sources:
    """Return the sources in a folder, without those that are not the program's own."""
    found = Sources()
    seen = 0
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if f[0] != "." and f.lower() not in BESIDE)
        for name in names:
            path = Path(parent, name)
            language = _SUFFIXES.get(path.suffix)
            if language is None or path.is_symlink() or not path.is_file():
                continue
            found.count[language] += 1
            found.size_bytes[language] += path.stat().st_size
            if language == "c":
                found.of_c.append(path)
        seen += len(names)
        if seen > _MOST_FILES:
            break
    return found


def compiled(checkout: Checkout, sources: Sources) -> Evidence | None:
    """Return the compiled program that a checkout is, in the language with most source."""
    found = [
        evidence
        for system in _BUILD_SYSTEMS
        if (evidence := _built_by(system, checkout, sources)) is not None
    ]
    return max(found, key=lambda e: sources.size_bytes[e.language], default=None)


def packaged(checkout: Checkout, sources: Sources) -> Evidence | None:
    """Return the package with commands that a checkout is: named like it, or with most source."""
    found = [
        evidence
        for look in (_python, _node, _gem, _perl, _composer)
        if (evidence := look(checkout)) is not None
    ]
    return max(found, key=lambda e: (e.is_named, sources.size_bytes[e.language]), default=None)


def library(checkout: Checkout) -> Evidence | None:
    """Return the Python package without commands that a checkout is.

    Its programs are the scripts that have its name, or a usual one; or else the only script.
    """
    folder = checkout.folder
    if not python_files.is_installable(folder):
        return None
    packages = [path.parent.name for path in folder.glob("*/__init__.py")]
    names = [checkout.name, python_files.distribution_name(folder), *packages]
    known = {plain(name) for name in names if name} | {"app", "cli", "main", "run"}
    there = [path for path, _, _ in python_files.scripts(folder, checkout.name)]
    named = [path for path, _ in files.scripts(folder) if plain(path) in known]
    others = [path for path in there if not is_helper(path)]
    programs = named or (others if len(others) == 1 else [])
    return Evidence(
        what="a Python package that installs no command",
        language="python",
        programs=frozenset(programs),
    )


def is_helper(path: str) -> bool:
    """Tell whether a script helps with the source of a program, by its place or name."""
    first = re.split(r"[-_.\s]", PurePosixPath(path).stem.lower())[0]
    return PurePosixPath(path).parts[0] in PLACES_OF_HELPERS or first in _HELPER_WORDS


def plain(name: str) -> str:
    """Return a name without what its kind adds: path, suffix, ``-m``, punctuation."""
    stem = PurePosixPath(name.removeprefix("-m ")).name
    for suffix in (".py", ".sh", ".bash", ".pl", ".js"):
        stem = stem.removesuffix(suffix)
    return re.sub(r"[^a-z0-9]", "", stem.lower())


def _built_by(system: _BuildSystem, checkout: Checkout, sources: Sources) -> Evidence | None:
    folder = checkout.folder
    paths = [path for name in system.files for path in folder.glob(name) if path.is_file()]
    if not paths or (system.needs_sources and not sources.count[system.language]):
        return None
    has_program = _has_program(folder, system.language, sources)
    text = "".join(files.text(path) for path in paths)
    # these names stand for much else
    if ("akefile" in system.files[0] and not has_program) or (
        system.language == "r" and "Package:" not in text
    ):
        return None
    return Evidence(
        what=system.what,
        language=system.language,
        runtimes=system.runtimes,
        is_named=plain(checkout.name) in re.sub(r"[^a-z0-9]", "", text.lower()),
        has_program=has_program,
    )


def _has_program(folder: Path, language: str, sources: Sources) -> bool:
    if language == "c":
        return sources.has_main
    if language == "go":
        paths = [*folder.glob("*.go"), *folder.glob("cmd/*.go"), *folder.glob("cmd/*/*.go")]
        return any(_GO_MAIN.search(files.text(path)) for path in paths[:_MOST_READ])
    if language == "rust":
        places = ("src/main.rs", "src/bin/*", "*/src/main.rs", "*/*/src/main.rs")
        return "[[bin]]" in files.text(folder / "Cargo.toml") or any(
            True for place in places for _ in folder.glob(place)
        )
    return True


def _python(checkout: Checkout) -> Evidence | None:
    folder = checkout.folder
    if not python_files.is_installable(folder):
        return None
    names = [name for name, _, _ in python_files.console_scripts(folder)]
    modules = [name for name in python_files.main_packages(folder) if name not in BESIDE]
    if not names and not modules and not python_files.has_dynamic_scripts(folder):
        return None
    paths = python_files.program_files(folder)
    bound = {
        path.name for path in map(PurePosixPath, paths) if _BINDINGS.issuperset(path.parts[:1])
    }
    called = _called([*names, *(f"{name}.py" for name in (*names, checkout.name))])
    return Evidence(
        what="a Python package",
        language="python",
        runtimes=frozenset({"python"}),
        programs=_there(folder, [*paths, *called]),
        is_named=_any_named([*names, *modules], checkout),
        is_bindings=bool(names) and bound.issuperset(names),
    )


def _node(checkout: Checkout) -> Evidence | None:
    declared = commands(package_json(checkout.folder))
    if not declared:
        return None
    return Evidence(
        what="an npm package",
        language="node",
        runtimes=frozenset({"node"}),
        programs=_there(checkout.folder, [*declared.values(), *_called(declared)]),
        is_named=_any_named(declared, checkout),
    )


def _gem(checkout: Checkout) -> Evidence | None:
    folder = checkout.folder
    text = "".join(files.text(path) for path in folder.glob("*.gemspec"))
    if not text:
        return None
    declared = set(_WORD.findall(" ".join(_EXECUTABLES.findall(text))))
    place = "exe" if (folder / "exe").is_dir() else "bin"
    there = _there(folder, (f"{place}/{path.name}" for path in folder.glob(f"{place}/*")))
    own = frozenset(p for p in there if PurePosixPath(p).name not in _GEMS_OWN)
    programs = frozenset(p for p in own if PurePosixPath(p).name in declared) or own
    return _of_files("a Ruby gem", "ruby", programs, checkout)


def _perl(checkout: Checkout) -> Evidence | None:
    folder = checkout.folder
    text = files.text(folder / "Makefile.PL")
    if not text and not any(files.text(folder / name) for name in ("Build.PL", "dist.ini")):
        return None
    installed = [
        f"{place}/{path.name}"
        for place in ("bin", "script")
        for path in folder.glob(f"{place}/*")
        if (files.shebang(files.text(path)) or [""])[0].endswith("perl")
    ]
    programs = _there(folder, perl_programs(text)) or frozenset(installed)
    return _of_files("a Perl distribution", "perl", programs, checkout)


def perl_programs(makefile: str) -> list[str]:
    """Return the paths that a Makefile.PL names as programs, as far as it does so literally."""
    return [path for listed in _EXE_FILES.findall(makefile) for path in _WORD.findall(listed)]


def _composer(checkout: Checkout) -> Evidence | None:
    try:
        package = json.loads(files.text(checkout.folder / "composer.json") or "{}")
    except (ValueError, RecursionError):
        return None
    declared = package.get("bin") if isinstance(package, dict) else None
    paths = python_files.strings([declared] if isinstance(declared, str) else declared)
    return _of_files("a PHP package", "php", _there(checkout.folder, paths), checkout)


def _of_files(
    what: str, language: str, programs: frozenset[str], checkout: Checkout
) -> Evidence | None:
    if not programs:
        return None
    return Evidence(
        what=what,
        language=language,
        runtimes=frozenset({language}),
        programs=programs,
        is_named=_any_named(programs, checkout),
    )


def _called(names: Iterable[str]) -> list[str]:
    """Return where the file of a command is that has the very name of it."""
    return [f"{place}{name}" for name in names for place in ("", "bin/")]


def _there(folder: Path, paths: Iterable[str]) -> frozenset[str]:
    """Return those of the paths, which a source names, that are files in it."""
    inside = [path for path in map(PurePosixPath, paths) if not path.is_absolute()]
    return frozenset(str(p) for p in inside if ".." not in p.parts and files.text(folder / p))


def _any_named(names: Iterable[str], checkout: Checkout) -> bool:
    return any(plain(name) == plain(checkout.name) for name in names)
