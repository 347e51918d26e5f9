"""What no engine passes on: arguments too long, and variables that decide what is run."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Sequence

from ..errors import InvalidValueError
from .base import RunSpec

RUN_VARIABLE = "TOOINSTANCE_RUN"
"""What marks the processes of a run: its id."""

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# these decide what is loaded and found rather than what a tool does
_RESERVED_VARIABLES = ("PATH", "HOME", "TMPDIR", "LD_*", "DYLD_*", "TOOINSTANCE_*")
_MOST_ARGUMENT_BYTES = 131_071  # MAX_ARG_STRLEN of Linux, less the NUL at its end
_MOST_ARGUMENTS_BYTES = 1_500_000  # below the 2 MiB that Linux gives to argv and environment


def check(spec: RunSpec) -> None:
    """Raise `InvalidValueError` unless a run can be given what it is to get."""
    check_arguments(spec.argv)
    check_variables([*spec.variables, *spec.secrets])
    for value in (*spec.variables.values(), *spec.secrets.values()):
        if "\0" in value:
            raise InvalidValueError("A variable holds a NUL.", code="variable_invalid")


def check_arguments(argv: Sequence[str]) -> None:
    """Raise unless the system takes an argv as it is."""
    total = 0
    for argument in argv:
        if "\0" in argument:
            raise InvalidValueError(
                "An argument holds a NUL, which no program can be given.", code="arguments_invalid"
            )
        size = len(argument.encode("utf-8", "surrogateescape"))
        total += size + 9
        if size > _MOST_ARGUMENT_BYTES or total > _MOST_ARGUMENTS_BYTES:
            raise InvalidValueError(
                f"The arguments are too long: one has {size:,} bytes, all so far {total:,}.",
                f"At most {_MOST_ARGUMENT_BYTES:,} in one and {_MOST_ARGUMENTS_BYTES:,} in all; "
                "pass a file with -i, or use standard input.",
                code="argument_too_long",
            )


def check_variables(names: Iterable[str]) -> None:
    """Raise unless all are names of environment variables that a user may set."""
    for name in names:
        if not _VARIABLE.fullmatch(name):
            raise InvalidValueError(
                f"{name!r} is no name of an environment variable.",
                "Letters, digits and _ make one, as in -e COLOR=never.",
                code="variable_invalid",
            )
        if any(fnmatch.fnmatchcase(name, reserved) for reserved in _RESERVED_VARIABLES):
            raise InvalidValueError(
                f"{name} decides what is run, so a run cannot set it.", code="variable_invalid"
            )
