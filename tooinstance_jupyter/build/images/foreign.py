"""Reads a source's own Dockerfile with suspicion before it is built, and makes it buildable here.

Building it is left to ``maker``. What it must not do: fetch a frontend, which would be a program in
the builder's place; ask for privileges; start from, or copy out of, an image that is somebody's
tool; and go off without values that it plainly needs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from ...errors import BuildError
from . import instructions
from .instructions import Dockerfile, Instruction, Stage

PREFIX = "tooinstance/"
"""How the names of images of ours begin."""

_IMAGE = re.compile(r"[a-z0-9][a-zA-Z0-9._/:@-]*")
_SHORTEST_ID = 6
_ID = re.compile(rf"(?:sha256:)?[0-9a-f]{{{_SHORTEST_ID},64}}")
_SYNTAX = re.compile(r"(?:#|//)\s*syntax\s*=\s*(\S+)", re.IGNORECASE)
_OWN_FRONTEND = re.compile(
    r"(?:docker\.io/)?docker/dockerfile(?::[\w.-]+)?(?:@sha256:[0-9a-f]{64})?"
)
# BuildKit gives these a value by itself
_PREDEFINED = re.compile(
    r"(?i:(?:https?|ftp|all|no)_proxy)|(?:TARGET|BUILD)(?:PLATFORM|OS|OSVERSION|ARCH|VARIANT)|"
    r"TARGETSTAGE|SOURCE_DATE_EPOCH|BUILDKIT_\w+"
)
_ODD_CHARACTER = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]|[^\S \t]")
_ESCAPE = re.compile(r"#\s*escape\s*=", re.IGNORECASE)
# ARGs that every builder takes apart in the same way
_PLAIN_ARGUMENTS = re.compile(
    r"""(?:[^\s"'\\`=]+(?:=(?:[^\s"'\\`]|"[^"\\`]*"|'[^'\\`]*')*)?(?:\s+|\Z))+"""
)
# only the builder knows what stands here: as no image is named like this, it is refused
_UNTOLD = "$"
# where builders may differ about what is an instruction, and so about what is a stage
_AMBIGUOUS = re.compile(r"<<|\\\\[ \t]*$|``[ \t]*$", re.MULTILINE)
# options of COPY that the frontend inside older engines does not know
_NEW_OPTIONS = frozenset({"link", "parents", "exclude", "chmod", "checksum", "keep-git-dir"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """A Dockerfile that may be built: its text, and what was changed, for people."""

    text: str
    notes: tuple[str, ...] = ()


def examine(
    text: str,
    build_arguments: Mapping[str, str],
    *,
    is_ours: Callable[[str], bool],
    in_registry: Callable[[str], str] = lambda image: image,
) -> Examined:
    """Return the Dockerfile to build, once sure that it may be built.

    Parameters
    ----------
    build_arguments
        The values that were given for its ARGs.
    is_ours
        Tells whether an image of that name on the engine was made by an installation of this
        software, whoever's it is.
    in_registry
        Returns the name of an image in the mirror that is set.

    Raises
    ------
    BuildError
        ``build_option``, ``base_refused`` or ``build_argument_missing``.
    """
    syntax = _refuse_frontends(text)
    dockerfile = instructions.read(text)
    _refuse_odd_characters(dockerfile)
    if not dockerfile.stages:
        raise BuildError(
            "The Dockerfile has no FROM.", "It is no Dockerfile; --runtime takes another way."
        )
    values = _global_values(dockerfile, build_arguments)
    _refuse_missing(dockerfile, build_arguments, values)
    # engines differ in what they take for an instruction: no reading may hold what is refused
    has_escape = _has_escape(dockerfile)
    for heredocs, escape in product((True, False), ("\\", "`") if has_escape else ("",)):
        reading = instructions.read(text, heredocs=heredocs, escape=escape)
        for stage in reading.stages:
            for instruction in stage.instructions:
                _refuse_options(instruction)
        _refuse_bases(reading, _global_values(reading, build_arguments), is_ours)
    notes: list[str] = []
    lines = list(dockerfile.lines)
    # directives end at the first line that is none: what follows would count no more
    if syntax is not None and not has_escape and not _needs_frontend(dockerfile):
        lines[syntax] = "#"
        notes.append("Its `# syntax` line is left out: the engine's own frontend builds it")
    for stage in dockerfile.stages:
        _mirror(lines, dockerfile, stage, values, in_registry)
    return Examined(text="\n".join(lines), notes=tuple(notes))


def missing_in(text: str, step: str, build_arguments: Mapping[str, str]) -> list[str]:
    """Return the ARGs without a value that a step which failed makes use of."""
    dockerfile = instructions.read(text)
    wanted = " ".join(step.split())
    for stage in dockerfile.stages:
        unset: dict[str, None] = {}
        values = dict(build_arguments)
        for instruction in stage.instructions:
            if instruction.word == "ARG":
                for name, default in instructions.declared(instruction):
                    values.setdefault(name, default or "")
                unset |= dict.fromkeys(_unset(dockerfile, instruction, build_arguments))
            elif instruction.word == "ENV":
                for name in re.findall(r"(\w+)(?:=|\s)", instruction.rest):
                    unset.pop(name, None)
            elif wanted and _is_shown_as(instruction, wanted, values):
                _, missing = instructions.substitute(instruction.text, {})
                return [name for name in unset if name in missing]
    return []


def _refuse_frontends(text: str) -> int | None:
    """Return the line of a ``# syntax`` that names Docker's own frontend, if there is one."""
    if text.lstrip("\ufeff \t\r\n").startswith("{"):
        raise BuildError(
            "The Dockerfile is JSON.", "Its frontend is not used.", code="build_option"
        )
    found: int | None = None
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n")):
        bare = line.strip()
        if bare and not bare.startswith(("#", "//")):
            break
        if match := _SYNTAX.match(bare):
            if not _OWN_FRONTEND.fullmatch(match[1]):
                raise BuildError(
                    f"The Dockerfile asks for a frontend of its own: # syntax={match[1][:200]}.",
                    "That would run a program from a registry in place of the builder, so only "
                    "docker/dockerfile is allowed. Another way to build it: --runtime.",
                    code="build_option",
                )
            found = number if found is None else found
    return found


def _refuse_odd_characters(dockerfile: Dockerfile) -> None:
    """Refuse what looks like a space or the end of a line, and is none for every builder."""
    for number, line in enumerate(dockerfile.lines, 1):
        odd = _ODD_CHARACTER.search(line)
        if odd and not line.lstrip(" \t").startswith("#"):
            raise BuildError(
                f"The Dockerfile has the character U+{ord(odd[0]):04X} in line {number}.",
                "Builders differ about what it means. Replace it by a space or the end of a line.",
                code="build_option",
            )


def _has_escape(dockerfile: Dockerfile) -> bool:
    """Tell whether some builder may find the directive that changes how lines are continued."""
    for line in dockerfile.lines:
        bare = line.strip()
        if bare and not bare.startswith("#"):
            return False
        if _ESCAPE.match(bare):
            return True
    return False


def _refuse_options(instruction: Instruction) -> None:
    if instruction.unclear and instruction.word in ("FROM", "RUN", "COPY", "ADD"):
        raise BuildError(
            f"The Dockerfile has {instruction.unclear[:200]} in line {instruction.line}, which "
            "builders read differently.",
            "Write options plainly, without quotes or backslashes, and end here-documents with a "
            "word of letters, digits and _.",
            code="build_option",
        )
    asked = ""
    security, network = instruction.option("security"), instruction.option("network")
    if security not in (None, "sandbox"):
        asked = f"--security={security}"
    elif network not in (None, "default", "none"):
        asked = f"--network={network}"
    elif instruction.option("device") is not None:
        asked = "--device"
    elif instruction.word == "RUN":
        kinds = {mount.get("type", "bind").lower() for mount in instruction.mounts()}
        asked = next((f"--mount=type={kind}" for kind in kinds if kind == "ssh" or "$" in kind), "")
    if asked:
        raise BuildError(
            f"The Dockerfile asks for {asked} in line {instruction.line}.",
            "A build gets neither privileges, the host's network, keys nor secrets. Another way to "
            "build it: --runtime.",
            code="build_option",
        )


def _refuse_bases(
    dockerfile: Dockerfile, values: Mapping[str, str], is_ours: Callable[[str], bool]
) -> None:
    is_ambiguous = bool(_AMBIGUOUS.search("\n".join(dockerfile.lines)))
    for stage in dockerfile.stages:
        base = _told(stage.base, values)
        names = [base.strip("\"'"), *instructions.sources(stage)]
        for name in names:
            is_stage = dockerfile.stage(name, before=stage.number) is not None
            # less than this is no image's id, so that `--from=0` and `FROM x AS b` stay possible
            is_sure = not is_ambiguous or len(name) < _SHORTEST_ID
            if name == "scratch" or (is_stage and is_sure):
                continue
            if not _IMAGE.fullmatch(name):
                raise BuildError(
                    "The Dockerfile starts from an image that cannot be told: "
                    f"{stage.base[:200] if _UNTOLD in base else name[:200]}.",
                    "Write its name out, or give it by one plain ARG: --build-arg NAME=VALUE.",
                    code="base_refused",
                )
            bare = re.sub(r"^(?:docker\.io/|index\.docker\.io/)", "", name)
            if bare.startswith(PREFIX) or _ID.fullmatch(bare) or is_ours(name):
                raise BuildError(
                    f"The Dockerfile starts from an image on this machine that is a tool: {name}.",
                    "It may be somebody's private one. Publish the base image in a registry, and "
                    "name it from there.",
                    code="base_refused",
                )


def _refuse_missing(
    dockerfile: Dockerfile, build_arguments: Mapping[str, str], values: Mapping[str, str]
) -> None:
    missing: dict[str, None] = {}
    for stage in instructions.needed(dockerfile):
        _, unset = instructions.substitute(stage.base, values)
        missing |= dict.fromkeys(sorted(name for name in unset if not _PREDEFINED.fullmatch(name)))
        without: set[str] = set()
        for instruction in stage.instructions:
            if instruction.word == "ARG":
                without |= _unset(dockerfile, instruction, build_arguments)
            else:
                missing |= dict.fromkeys(
                    sorted(name for name in without if _is_required(instruction, name))
                )
                if instruction.word == "ENV":
                    without -= set(re.findall(r"(\w+)(?:=|\s)", instruction.rest))
    if missing:
        raise argument_missing(list(missing))


def argument_missing(names: Sequence[str]) -> BuildError:
    """Return the error that names arguments which nobody gave."""
    given = " ".join(f"--build-arg {name}=VALUE" for name in names)
    return BuildError(
        f"The Dockerfile needs a value for {', '.join(names)}.",
        f"`%tooi update TOOL {given}`, then `%tooi build TOOL`; `create` takes it too.",
        code="build_argument_missing",
    )


def _is_required(instruction: Instruction, name: str) -> bool:
    """Tell whether an argument stands where nothing cannot be meant: in a version, path or link."""
    if instruction.word not in ("RUN", "COPY", "ADD"):
        return False
    text = instruction.rest
    # whoever asks whether it is set can do without
    if re.search(rf"-[nz]\s+\"?\$\{{?{name}\b|\$\{{{name}:?[-+]", text):
        return False
    return bool(
        re.search(rf"(?:==|@|/v?|[\w.]-v?|[\w.]:)\$(?:{name}\b|\{{{name}\}})", text)
        or re.search(rf"\$(?:{name}|\{{{name}\}})(?:\.tar|\.tgz|\.zip|\.jar|\.deb|/)", text)
        or re.search(rf"\$\{{{name}:?\?", text)
    )


def _unset(
    dockerfile: Dockerfile, instruction: Instruction, build_arguments: Mapping[str, str]
) -> set[str]:
    """Return the names of an ARG inside a stage that have no value."""
    outside = {
        name: default for i in dockerfile.arguments for name, default in instructions.declared(i)
    }
    return {
        name
        for name, default in instructions.declared(instruction)
        if name not in build_arguments
        and not default
        and not (default is None and outside.get(name))
        and not _PREDEFINED.fullmatch(name)
    }


def _global_values(dockerfile: Dockerfile, build_arguments: Mapping[str, str]) -> dict[str, str]:
    """Return the values that FROM can use."""
    values: dict[str, str] = {}
    is_plain = all(_PLAIN_ARGUMENTS.fullmatch(i.rest) for i in dockerfile.arguments)
    for instruction in dockerfile.arguments:
        for name, default in instructions.declared(instruction):
            told = _told(default or "", values) if is_plain else _UNTOLD
            values[name] = build_arguments.get(name, told)
    return values


def _told(text: str, values: Mapping[str, str]) -> str:
    """Return a text with the values of its variables, where every builder finds the same."""
    for variable in instructions.VARIABLE.finditer(text):
        name, how = variable["bare"] or variable["name"] or "", variable["how"]
        is_sure = how is None or (how == "-" and ":-" in variable[0]) or how == "?"
        if not is_sure or _PREDEFINED.fullmatch(name):
            return _UNTOLD
    told, _ = instructions.substitute(text, values)
    return told


def _needs_frontend(dockerfile: Dockerfile) -> bool:
    return any(
        "<<" in instruction.rest or _NEW_OPTIONS & {name for name, _ in instruction.options}
        for stage in dockerfile.stages
        for instruction in stage.instructions
    )


def _mirror(
    lines: list[str],
    dockerfile: Dockerfile,
    stage: Stage,
    values: Mapping[str, str],
    in_registry: Callable[[str], str],
) -> None:
    """Let a stage start from the mirror, in the lines of its Dockerfile."""
    base, _ = instructions.substitute(stage.base, values)
    mirrored = in_registry(base)
    is_stage = dockerfile.stage(base, before=stage.number) is not None
    if mirrored == base or base == "scratch" or is_stage:
        return
    first = stage.instructions[0]
    options = "".join(f"--{name}={value} " for name, value in first.options)
    named = f" AS {stage.name}" if stage.name else ""
    count = first.text.count("\n") + 1
    lines[first.line - 1 : first.line - 1 + count] = [
        f"FROM {options}{mirrored}{named}",
        *[""] * (count - 1),
    ]


def _is_shown_as(instruction: Instruction, step: str, values: Mapping[str, str]) -> bool:
    """Tell whether the builder means an instruction by the text of a step."""
    written = " ".join(
        (
            instruction.word,
            *(f"--{name}={value}" for name, value in instruction.options),
            instruction.rest,
        )
    )
    # some builders show the values of arguments, others their names
    filled, _ = instructions.substitute(written, values)
    return step in (" ".join(written.split()), " ".join(filled.split()))
