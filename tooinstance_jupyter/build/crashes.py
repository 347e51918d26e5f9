"""Recognises in what a program wrote that it crashed instead of starting, in any language. Pure.

What a program says in words of its own (a missing argument, file, terminal) is no crash. What
follows from the end of a start is left to ``check``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_MOST_CHARS = 1_000
_MOST_OF_AN_END = 32_768
_NAME = r"[A-Za-z_][\w.$]*"


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.MULTILINE)


# a part that it cannot do without: whatever arguments it is given, it does not start
_PART_IS_MISSING = _any(
    r"^(?:\w+\.)*(?:ModuleNotFoundError|ImportError|SyntaxError|IndentationError|TabError): .*",
    r"^.*: No module named \S+$",
    r"^.*Cannot find (?:module|package) .*",
    r"^.*\bERR_(?:UNKNOWN_FILE_EXTENSION|MODULE_NOT_FOUND|REQUIRE_ESM|UNSUPPORTED_DIR_IMPORT)\b.*",
    r"^.*\bUnknown file extension .*",
    r"^Fatal Python error: .*",
    r"^\S*python\S*: can't open file .*",
    r"^.*error while loading shared libraries: .*",
    r"^Error (?:loading shared library|relocating) .*",
    r"^.*: (?:symbol lookup error|undefined symbol): .*",
    r"^.*version `[^'\n]+' not found \(required by .*",
    r"^dyld\S*: .*(?:Library not loaded|Symbol not found).*",
    r"^.*\b(?:[Ee]xec format error|cannot execute binary file|bad interpreter: ).*",
    r"^.*\bcannot execute: required file not found.*",
    r"^(?:\S*/)?env: .*: No such file or directory.*",
    r"^.*: (?:failed to execute|execvp) .*",
    # the init process of a container
    r"^\[FATAL tini [^\n]*exec .*",
    r"^.*catatonit: .*",
    r"^.*(?:[Cc]annot fork|[Rr]esource temporarily unavailable).*",
    r"^Can't locate \S+ in @INC.*",
    r"^Can't open perl script .*",
    r"^.*\bBEGIN failed--compilation aborted.*",
    r"^Execution of .* aborted due to compilation errors.*",
    r"^.*cannot load such file -- .*",
    r"^.*\((?:Gem|Bundler)::\w+\)$",
    r"^(?:PHP )?(?:Parse|Compile) error: .*",
    r"^Could not open input file: .*",
    r"^Error: (?:Could not find or load main class|Unable to access jarfile|A JNI error).*",
    r"^no main manifest attribute, in .*",
    r"^.*java\.lang\.(?:UnsupportedClassVersionError|NoClassDefFoundError).*",
    r"^lua\S*: .*module '[^'\n]+' not found.*",
    r"^.*there is no package called .*",
    r"^ERROR: .*\bPackage \S+ not found in current path.*",
    r"^can't find package \S+.*",
)
# a shell goes on after most of these
_SHELL_FAILS = _any(
    r"^.*: [Ss]yntax error(?:[: ]|$).*",
    r"^.*\b(?:syntax|parse) error near .*",
    r"^\w*awk: .*\bsyntax error\b.*",
    r"^.*: command not found(?:[: ].*)?$",
    r"^\S*sh: (?:line )?(?:\d+: )?[^:\n]+: not found.*",
    r"^.+?(?:: (?:line )?\d+: |\[\d+\]: )[^:\n]+: (?:inaccessible or )?not found.*",
    r"^(?:fish: )?Unknown command.*",
    r"^\S*sh: .*[Cc](?:annot|an't) open .*",
    r"^.+?: \d+: \.: .*[Cc](?:annot|an't) open.*",
    r"^.+?: line \d+: \S+/\S+: No such file or directory$",
)
_SYNTAX = re.compile(r"(?i)\b(?:syntax|parse) error\b")
_TO_INSTALL_FIRST = _any(r"^.*\b(?:composer|npm|yarn|pnpm|bundle|pip3?) install\b.*")
_UNCAUGHT = _any(
    r"^panic: .*",
    r"^fatal error: .*(?=\n\ngoroutine )",
    r"^thread '[^'\n]*'[^\n]* panicked at .*(?:\n(?!note:)\S.*)?",
    r"^Exception in thread .*",
    r"^Unhandled exception[.:] .*",
    r"^terminate called (?:after throwing an instance of|without an active exception).*",
    r"^(?:PHP )?Fatal error: .*(?: on line \d+|Uncaught .*)",
    rf"^.+?:\d+:in [`'][^'\n]*': .*\({_NAME}(?:::\w+)*\)$",
    r"^.+(?=\nstack traceback:)",
    r"^ERROR: .*(?=\nStacktrace:)",
    r"^\*\* \(\w[\w.]*\) .*",
    r"^Assertion failed: .*|^.+: Assertion `.*' failed\.$",
    r"^Undefined subroutine &?\S+ called at .*|^Can't locate object method .*",
)
# what an interpreter writes in the words of the program's author
_DIED = _any(
    r"^.+ at \S+ line \d+(?:, <\w+> line \d+)?\.$",
    r"^Error(?: in .*)?:(?:.*)(?=\n(?:.*\n){0,3}?Execution halted)",
)
_DENIED = _any(r"(?i:^.*\b(?:permission denied|operation not permitted|read-only file system)\b.*)")
_TRACEBACK = "Traceback (most recent call last)"
_EXCEPTION = re.compile(rf"{_NAME}(?:: .*)?")
_FRAME_OF_NODE = re.compile(r"[ \t]+at .*:\d+:\d+\)?")
_END_OF_NODE = re.compile(r"Node\.js v\d+.*")
_USAGE = re.compile(
    r"(?im)^[^\w\n]{0,8}(?:usage|synopsis|uso|verwendung|aufruf)"
    r"(?:[ \t]*:|[ \t]*$|[ \t]+[\w./<\[-])"
)
_OWN_WORDS = re.compile(
    r"(?i)\b(?:usage|arguments?|options?|missing|required?|must|expect\w*|specif\w+|provide|give|"
    r"input|config\w*|tty|terminal|no such (?:file|option)|unknown|invalid|unrecogni[sz]ed)\b"
)
# not of a function that is called without what it takes
_ASKS_FOR = re.compile(
    r"(?i)\b(?:missing|requires?|required|specify|provide|expected|at least|no(?! such))\b"
    r"(?!.{0,20}\bpositional)[^\n]{0,40}"
    r"\b(?:arguments?|options?|files?|inputs?|parameters?|config\w*|tokens?|tty|terminal)\b"
)
# what comes of there being no input, no terminal, no network and no variables
_ABOUT_SURROUNDINGS = re.compile(
    r"\b(?:argv|ARGV)\b|os\.Args|error: index out of range|index out of bounds: the len"
    r"|kind: NotFound|Received undefined|conversion of nil into String"
    r"|[Nn]o such file or directory(?:: |, \w+ )'[^'/\n]+'"
    r"|\bEOF(?:Error)?\b|Inappropriate ioctl|not a (?:tty|terminal|typewriter)|\btermios\b"
    r"|\b_?curses\b|setupterm|could not find terminal|\bTERM\b|isatty|setRawMode"
    r"|KeyError: '[A-Z][A-Z0-9_]{3,}'"
    r"|name resolution|getaddrinfo|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH|gaierror"
    r"|Network is unreachable|[Cc]onnection (?:refused|error)|ConnectionError|Max retries exceeded"
    r"|ConnectError|URLError|dial tcp|no such host|UnknownHostException"
)


@dataclass(frozen=True, slots=True)
class Crash:
    """Why a program ended; `is_final` where other arguments would not help."""

    cause: str
    is_final: bool


def crash_in(output: str, *, exit_code: int, given: Sequence[str] = ()) -> Crash | None:
    """Return why a program crashed, from what it wrote; ``None`` if it did not.

    Parameters
    ----------
    output
        What it wrote to stdout and stderr.
    exit_code
        With 0, only what leaves no doubt is a crash.
    given
        The arguments that it was started with: what is about those, it has understood.
    """
    text = _shortened(output)
    has_usage = bool(_USAGE.search(text))
    if has_usage and exit_code == 0:
        return None
    missing = _found(_PART_IS_MISSING, text)
    if missing and not _mentions(missing, given):
        return Crash(missing, is_final=True)
    if has_usage:
        return None
    if shell := _of_a_shell(text, exit_code, given):
        return Crash(shell, is_final=True)
    if uncaught := _of_python(text) or _of_node(text) or _found(_UNCAUGHT, text):
        is_told = _ABOUT_SURROUNDINGS.search(uncaught) or _ASKS_FOR.search(uncaught)
        if is_told or _mentions(uncaught, given):
            return None
        return Crash(uncaught.splitlines()[-1].strip(), is_final=False)
    if exit_code == 0:
        return None
    if said := _found(_TO_INSTALL_FIRST, text):
        return Crash(said, is_final=False)
    died = _found(_DIED, text)
    said = _found(_DENIED, text) or ("" if _OWN_WORDS.search(died) else died)
    if said and not _ABOUT_SURROUNDINGS.search(said) and not _mentions(said, given):
        return Crash(said, is_final=False)
    return None


def _of_a_shell(text: str, exit_code: int, given: Sequence[str]) -> str:
    failures = [line for line in text.splitlines() if _SHELL_FAILS.match(line)]
    failures = [line for line in failures if not _mentions(line, given)]
    if not failures:
        return ""
    # with more to say, and at peace with itself, it has started without what was not found
    others = [line for line in text.splitlines() if line.strip() and line not in failures]
    is_started = exit_code == 0 and others and not any(map(_SYNTAX.search, failures))
    return "" if is_started else failures[0].strip()


def _of_python(text: str) -> str:
    """Return the line of source that raised, and the exception; nothing without a traceback."""
    if _TRACEBACK not in text:
        return ""
    lines = text[text.rindex(_TRACEBACK) :].splitlines()[1:]
    ends = [at for at, line in enumerate(lines) if _EXCEPTION.fullmatch(line)]
    if not ends:
        return _TRACEBACK
    before = [line.strip() for line in lines[: ends[0]] if line.startswith("    ")]
    source = [line for line in before if line.strip("~^ ")]
    return "\n".join([*source[-1:], lines[ends[0]]])


def _of_node(text: str) -> str:
    """Return the error above the first frame of a stack of Node's; nothing without one."""
    lines = text.splitlines()
    for at, line in enumerate(lines):
        if _FRAME_OF_NODE.fullmatch(line) or _END_OF_NODE.fullmatch(line):
            above = [line for line in lines[:at] if line.strip() and not line.startswith(" ")]
            return above[-1] if above else line.strip()
    return ""


def _found(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return match[0].strip() if match else ""


def _mentions(said: str, given: Sequence[str]) -> bool:
    return any(re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", said) for word in given)


def _shortened(output: str) -> str:
    """Return the beginning and the end of what a stranger wrote, with no line too long."""
    if len(output) > 2 * _MOST_OF_AN_END:
        output = f"{output[:_MOST_OF_AN_END]}\n{output[-_MOST_OF_AN_END:]}"
    plain = re.sub(r"\x1b\[[0-9;]*m", "", output)
    return "\n".join(line[:_MOST_CHARS].rstrip() for line in plain.splitlines())
