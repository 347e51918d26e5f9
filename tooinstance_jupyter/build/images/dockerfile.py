"""Writes Dockerfiles: instructions, quoting, and what every step of a build is given.

What a source needs is left to the buildpacks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from importlib import resources
from pathlib import Path

from ...config import TooInstance
from ...containers.base_image import in_registry
from ...errors import BuildError
from ..base import Checkout
from ..buildpacks import files
from ..diagnose import AGAIN

WORK = "/work"
"""Where a run starts; its work directory is mounted there."""

TOOL = "/opt/tool"
"""Where the tool is, in images of ours."""

SOURCE = f"{TOOL}/source"
"""Where the files of a source are, in images that run them as they are."""

COMMANDS = f"{TOOL}/commands"
"""The file that lists what an installation brought; see `Recipe.commands_at`."""

ADDED = "/tooinstance"
"""Where a step of a build sees the files that the recipe adds."""

_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]*(?::[a-z0-9]+)?(?:=[\w.+~:-]+)?")
# settings and certificates come as secrets, so that nothing of them stays in the image
_SECRETS = "--mount=type=secret,id=settings --mount=type=secret,id=ca"
_SETTINGS = "if [ -f /run/secrets/settings ]; then . /run/secrets/settings; fi"
# what ends a line ends an instruction, whatever quotes it stands in
_NO_LINE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
APT_CACHES = ("/var/cache/apt", "/var/lib/apt/lists")

COMPILERS = ("build-essential", "pkg-config", "git")
"""Debian packages that most of what is compiled needs."""


def from_(image: str, stage: str = "") -> str:
    """Return the instruction that begins a stage."""
    return f"FROM {image} AS {stage}" if stage else f"FROM {image}"


def base(config: TooInstance, runtime: str, version: str = "") -> str:
    """Return the base image for a runtime; ``{version}`` in the setting becomes `version`."""
    image = config.base_images.get(runtime) or config.base_images["debian"]
    return in_registry(config, image.replace("{version}", version))


def run(
    title: str,
    *commands: str,
    caches: Iterable[str] = (),
    mounts: Iterable[str] = (),
) -> str:
    """Return the instruction that runs shell commands, each of which must succeed.

    Parameters
    ----------
    title
        What it does, for people: a build's progress shows the text of the ``:`` it begins with.
    commands
        Lines of POSIX shell; words from outside must have been quoted with `shlex.quote`.
    caches
        Folders that are kept between the builds of one principal and are not part of the image.
        Nothing that runs code of a source may have one: it could plant something there.
    mounts
        Further ``--mount`` values, such as `bound`.

    Raises
    ------
    BuildError
        ``name_invalid`` if a name in a command would end its line.
    """
    # apt cannot share a cache with another apt; waiting for it would hold up every other build
    options = [
        f"--mount=type=cache,sharing={'private' if cache in APT_CACHES else 'shared'},"
        f"target={cache}"
        for cache in caches
    ]
    options += [f"--mount={mount}" for mount in mounts]
    for words in (*options, *commands):
        _refuse_line_ends(words)
    plain = re.sub(r"[^\w .,:;()/@+-]", "", title)
    script = "; \\\n    ".join((f': "{plain}"', "set -eu", _SETTINGS, *commands))
    return f"RUN {' '.join((_SECRETS, *options))} {script}"


def _refuse_line_ends(words: str) -> None:
    """Refuse what would begin another instruction; JSON of `env`, `copy` and `end` has none."""
    if odd := _NO_LINE.search(words):
        around = words[max(0, odd.start() - 40) : odd.end() + 40]
        raise BuildError(
            f"A name that is part of a command has a control character: {around!r}.",
            "Rename the file or folder, or give another --entry-point.",
            code="name_invalid",
        )


def bound(source: str, target: str, *, stage: str = "") -> str:
    """Return the mount of a path of the context or of a stage, which cannot be written to.

    With ``rw`` a change of its content would go unnoticed, and an old result be taken.
    """
    origin = f"from={stage}," if stage else ""
    return f"type=bind,{origin}source={source},target={target}"


def added(name: str) -> str:
    """Return the mount of a file that the recipe adds to the context, in its folder `ADDED`."""
    return bound(f".tooinstance/{name}", f"{ADDED}/{name}")


def inside(name: str) -> str:
    """Return the text of a program that builds run inside an image; see the folder ``inside``."""
    return (resources.files(__package__) / "inside" / name).read_text("utf-8")


def env(**variables: str) -> str:
    """Return the instruction that sets environment variables."""
    return "ENV " + " ".join(f"{name}={json.dumps(value)}" for name, value in variables.items())


def copy(source: str, target: str, *, stage: str = "") -> str:
    """Return the instruction that copies from the context, or from another stage."""
    return f"COPY {f'--from={stage} ' if stage else ''}{json.dumps([source, target])}"


def install(packages: Sequence[str], *, title: str = "", unless: str = "") -> list[str]:
    """Return the instructions that install Debian packages; none for no packages.

    Parameters
    ----------
    title
        What they are for, for people.
    unless
        A shell condition under which nothing is installed, such as ``command -v go``: base images
        often have what is needed.
    """
    if not packages:
        return []
    condition = f"{unless} >/dev/null 2>&1 || " if unless else ""
    # base images remove what is downloaded at once, which would empty the cache
    keep = "rm -f /etc/apt/apt.conf.d/docker-clean"
    shown = title or f"Installing {', '.join(packages[:6])}{', …' if len(packages) > 6 else ''}"
    return [run(shown, keep, f"{condition}{apt(packages)}", caches=APT_CACHES)]


def apt(packages: Sequence[str]) -> str:
    """Return the shell command that installs Debian packages."""
    return (
        "{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y "
        f"--no-install-recommends {' '.join(packages)} >/dev/null; }}"
    )


def install_listed(listing: str, *, title: str, mounts: Iterable[str] = ()) -> str:
    """Return the instruction that installs the Debian packages which a shell command prints.

    They may stem from a source, so whatever is no plain name is left out.
    """
    return run(
        title,
        "rm -f /etc/apt/apt.conf.d/docker-clean",
        # there may be nothing to install; if there is, what is missing fails then
        "apt-get update -qq || echo 'Not all lists of Debian packages could be fetched.'",
        f"packages=$({listing} | grep -xE '[a-z0-9][a-z0-9+.-]+[a-z0-9+]' | sort -u || :)",
        '[ -z "$packages" ] || DEBIAN_FRONTEND=noninteractive apt-get install -qq -y '
        "--no-install-recommends $packages >/dev/null",
        caches=APT_CACHES,
        mounts=mounts,
    )


def retried(command: str, packages: Sequence[str]) -> str:
    """Return a shell command that is tried again with compilers where it fails without.

    Its parts must be joined by ``&&``, as the first try is not ended by `set -e`. Most sources need
    none, and a stage with this is thrown away.
    """
    again = f"echo '{AGAIN} compilers.'; {apt(packages)}; {command}"
    return f"{{ {command}; }} || {{ {again}; }}"


def apt_packages(checkout: Checkout) -> list[str]:
    """Return the Debian packages that a source's ``apt.txt`` names, as repo2docker reads it."""
    lines = files.text(config_folder(checkout.folder) / "apt.txt").splitlines()
    words = [word for line in lines for word in line.partition("#")[0].split()]
    return sorted({word for word in words if _PACKAGE.fullmatch(word)})


def config_folder(folder: Path) -> Path:
    """Return the folder with a source's files for repo2docker: ``binder``, ``.binder`` or itself.

    See https://repo2docker.readthedocs.io/en/latest/configuration/.
    """
    for name in ("binder", ".binder"):
        if (folder / name).is_dir() and not (folder / name).is_symlink():
            return folder / name
    return folder


def end(
    *,
    command: Sequence[str] = (),
    path: str = "",
    user: int = 1000,
) -> list[str]:
    """Return the last instructions of an image: who runs where, and what."""
    return [
        *([f"ENV PATH={path}:$PATH"] if path else []),
        env(HOME="/tmp"),  # noqa: S108 the one place beside the work directory that is writable
        f"WORKDIR {WORK}",
        f"USER {user}:{user}",
        *([f"ENTRYPOINT {json.dumps(list(command))}"] if command else []),
    ]


def text(*instructions: str | Sequence[str]) -> str:
    """Return a Dockerfile of instructions."""
    lines: list[str] = []
    for instruction in instructions:
        lines += [instruction] if isinstance(instruction, str) else instruction
    return "\n".join(lines) + "\n"
