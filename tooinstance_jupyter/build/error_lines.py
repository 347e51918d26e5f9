"""Finds the line of a build's log that says why it failed. Pure.

A log ends with what was given up, seldom with why: each tool that called another adds a line. So
lines are ranked by what they say, and among those of one rank a compiler's first counts, and the
last of everybody else. What to do about it is left to ``diagnose``.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_MOST_CHARS = 262_144
_MOST_LINES = 2_000
_MOST_LINE_CHARS = 400
_BESIDE = 3
SURE = 80
"""The rank from which on a line is the cause, whatever else the log has."""

_CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f]")
# what a tool puts before each line of what another one said
_PREFIX = re.compile(
    r"(?:#\d{1,6} (?:\d{1,9}\.\d{1,6} )?|npm (?:ERR!|error) ?|\[(?:ERROR|FATAL)\] ?|gyp ERR! ?"
    r"|[\s│├└╰─\u00d7·▶]|╰─>|\| )+"
)
_OWN_WORD = re.compile(r"(?:error|ERROR|fatal error):? +(?=\S)")

# no pattern may take more than linear time over a line: none begins with a repetition unless it is
# tied to the beginning, and none repeats a repetition
_NOISE = re.compile(
    "|".join(
        (
            # closing words of each tool
            r"A complete log of this run", r"(?:Please )?[Ss]ee (?:above|the log|also)",
            r"See `", r"code \S+$", r"errno ", r"path /", r"command ", r"cwd /", r"signal ",
            r"lifecycle ", r"workspace ", r"This is probably not a problem",
            r"not ok$", r"stack     at ", r"System (?:Linux|Darwin)", r"node -v", r"node-gyp -v",
            r"make(?:\[\d+\])?: (?:\*\*\* (?:\[|Waiting)|Entering|Leaving|Nothing to be)",
            r"[gn]?make(?:\[\d+\])?: Target ", r"ninja: (?:build stopped|Entering)", r"FAILED: ",
            r"(?:error: )?subprocess-exited-with-error", r"note: ", r"hint: ", r"help: ",
            r"\[notice\]",
            r"error: (?:metadata-generation-failed|legacy-install-failure|aborting due to)",
            r"error: failed-wheel-build-for-install",
            r"(?:error )?Command failed with exit code",
            r"(?:Command )?failed with exit code \d+$", r"Encountered error while",
            r"WARNING: (?:You are using pip|Running pip as)", r"You should consider upgrading",
            r"To update, run", r"(?:A )?[Nn]ew (?:\w+ )?(?:release|version) of",
            r"The command ['\"]", r"The headers or library files could",
            r"(?:ERROR: )?(?:failed to solve: )?executor failed running",
            r"ERROR: process ", r"Dockerfile(?:\.\w+)?:\d+$", r"> \[", r"-{3,}", r"={3,}",
            r">>> ", r"\d+ \|", r"ERROR: Service .* failed to build",
            # what goes well
            r"Successfully ", r"Installing ", r"Installed ", r"Collecting ", r"Downloading ",
            r"Using cached", r"Downloaded ",
            r"Building (?:wheels?|editable|cheetah)? ?(?:for |\S+ @)", r"Requirement already",
            r"Preparing ", r"Getting req", r"Created wheel", r"Stored in", r"Attempting un",
            r"Found existing", r"Uninstalling", r"Resolved \d", r"Prepared \d", r"Audited \d",
            r"[+~-] [\w.-]+==", r"Compiling \S+ v\d", r"Checking \S+ v\d", r"Finished ",
            r"Updating ", r"Locking ", r"Running `", r"added \d+ pack", r"Get:\d", r"Hit:\d",
            r"Ign:\d", r"Fetched \d", r"Reading ", r"Selecting ", r"Unpacking ", r"Setting up ",
            r"Processing triggers", r"Fetching ", r"Cloning ",
            r"go: (?:downloading|finding|added)", r"checking .*\.\.\.",
            r"configure: (?:WARNING|loading|creating)", r"-- ", r"Done\.?$", r"done\.?$",
            r"found \d+ vuln", r"up to date", r"\d+ packages? are looking", r"run `npm",
            # advice and counts
            r"info (?:Visit|No lockfile)", r"For more information",
            r"(?:Re-run|To see the full)", r"Run with --", r"> Run with",
            r"\* (?:Try|Get more help|Where|Exception is)", r"Get more help",
            r"After correcting", r"-> \[Help", r"\[Help \d", r"BUILD FAIL", r"FAILURE: Build",
            r"For more", r"Results logged", r"Make sure that `gem", r"To see why this",
            r"Gem files will", r"extconf failed", r"current directory:", r"In Gemfile",
            r"An error occurred while installing", r"E: Sub-process", r"compilation terminated",
            r"collect2:", r"\d+ (?:errors?|warnings?) gen", r"Found \d+ errors?",
            r"error generated", r"exit (?:status|code) \d+", r"Error:? (?:code )?\d+$",
            r"Traceback ", r"File \"", r"at (?:\S+ \(|file:|/|async |java|org\.)",
            r"\.\.\. \d+ more", r"During handling", r"The above exception",
            r"The following (?:warnings|specification)", r"stack backtrace",
            r"-* ?(?:stdout|stderr|Captured )", r"\[end of output\]", r"[\^~|_.=+*\s-]*$",
            r"\d+:\s+0x", r"In file included",
            r"\w[\w./-]*: (?:In|At) (?:function|top level|member)", r"from \S+:\d+[:,]",
            r"(?:\S+:)?\d*:? ?warning:", r"warning\b", r"WARN", r"npm warn", r"deprecated\b",
            r"\*{10,}", r"Node\.js v\d", r"\[builtin", r"node:internal", r"exited with ",
            r"Exit (?:status|code)", r"ELIFECYCLE", r"ERR_PNPM_RECURSIVE",
            r"Failed to build installable",
        )
    )
)  # fmt: skip
_NOISE_ANYWHERE = re.compile(
    r"did not complete successfully: exit code|returned a non-zero code|failed to solve: process"
    r"|had non-zero exit status|returned non-zero exit status|subprocess-exited-with-error"
    r"|error originates from a subprocess|can be found in"
)


class _Rule(NamedTuple):
    rank: int
    pattern: re.Pattern[str]
    is_first: bool = False
    """Whether the first line of this kind counts: those after it follow from it."""


def _rules(*rules: tuple[int, str] | tuple[int, str, bool]) -> tuple[_Rule, ...]:
    made = (_Rule(rule[0], re.compile(rule[1]), len(rule) > 2) for rule in rules)
    return tuple(sorted(made, key=lambda rule: -rule.rank))


_RULES = _rules(
    # the machine
    (98, r"No space left on device|ENOSPC|os error 28"),
    (97, r"Killed signal terminated|SIGKILL|JavaScript heap out of memory|out of memory"),
    (97, r"virtual memory exhausted|Cannot allocate memory"),
    # compilers and linkers: the first error brings about the others
    (92, r"^[^\s:]{1,300}:\d{1,9}(?::\d{1,9})?: (?:fatal )?error:? \S", True),
    (92, r"^[^\s(]{1,300}\.[cm]?tsx?[(:]\d+[,:]\d+\)?(?: -|:) error TS", True),
    (92, r"^error\[E\d{1,5}\]: ", True),
    (92, r"^(?:\./|\w)[^\s:]{0,300}\.go:\d+(?::\d+)?: \S", True),
    (92, r"^[^\s:]{1,300}\.(?:java|kt|scala):\[?\d+[,:\]]", True),
    (90, r"ld(?:\.\w{1,9})?: (?:error: )?(?:cannot find|unable to find|library not)"),
    (90, r"undefined reference to|undefined symbol: |multiple definition of ", True),
    (91, r"error while loading shared libraries: "),
    (90, r"linker `[^`]{1,100}` not found"),
    (90, r"^error: (?:package `[^`]{1,200}` cannot be built|rustc \S+ is not supported)"),
    (90, r"^(?:error: )?no matching package"),
    (90, r"^error: failed to (?:select|parse|load|get|download|read)"),
    # configuration
    (91, r"^(?:\S{0,200}/)?configure: error: |^configure\.(?:ac|in):\d+: error: "),
    (89, r"^(?:\S{0,200})?configure: line \d+: syntax error"),
    (91, r"^[^\s:]{0,300}meson\.build:\d+(?::\d+)?: ERROR: "),
    (91, r"^CMake Error(?: in| at|:)(?!.*CMAKE_\w+ not set)", True),
    (88, r"^(?:No package '|Package requirements \(|pkg-config: )"),
    (88, r"^Package '?[^\s']{1,200}'?, required by"),
    (88, r"^(?:error: )?required file ['\"`]"),
    # programs that are not there
    (91, r"^[^\s:]{0,200}sh(?:: line)?:? ?\d*: [^:\s]{1,200}: (?:command )?not found"),
    (91, r"^(?:\S{1,200}: )?(?:line )?\d+: [^:\s]{1,200}: (?:command )?not found"),
    (91, r"^[gn]?make(?:\[\d+\])?: [^*\s][^:\s]{0,200}: (?:Command not|No such|Permission)"),
    (91, r"^(?:error: command|unable to execute) ['\"]?[^'\"]{1,200}['\"]? failed: No such file"),
    (91, r"^(?:env|/usr/bin/env): "),
    (91, r"executable file not found in \$PATH|failed to execute .{1,200}No such file"),
    (90, r"^(?:Error: )?\w{1,40}_config (?:executable )?not found"),
    # make
    (88, r"^[gn]?make(?:\[\d+\])?: \*\*\* (?!\[|Waiting)\S"),
    (88, r"^[^\s:]{1,300}:\d+: \*\*\* (?!\[)\S"),
    # Python
    (88, r"requires a different Python"),
    (88, r"does not satisfy Python"),
    (88, r"^Requires-Python"),
    (88, r"requires Python[ >=<]"),
    (88, r"^(?:ERROR: )?(?:Cannot install |Invalid requirement|Could not open requirements)"),
    (87, r"^(?:ERROR: )?Could not find a version that satisfies", True),
    (86, r"^(?:ERROR: )?No matching distribution found"),
    (87, r"^(?:cause: |Caused by: |error: )?Because \S"),
    (86, r"Multiple top-level packages discovered|does not appear to be a Python project"),
    (86, r"Couldn't parse requirement|Can't find Rust compiler|^No module named "),
    (60, r"^(?:error: )?Failed to fetch"),
    (74, r"^(?:cause|Caused by): (?!The build backend|Call to|Failed to build|Process didn't)\S"),
    (83, r"^(?:\w{1,80}\.){0,8}(?:ModuleNotFoundError|ImportError): "),
    (82, r"^(?:\w{1,80}\.){0,8}(?!CalledProcess|Subprocess|Compile|DistutilsExec|Link|Build)"
        r"[A-Z]\w{0,80}(?:Error|Exception|NotFound|Missing|Failure|Unsupported)(?: \[\w+\])?: \S"),
    (55, r"^(?:\w{1,80}\.){0,8}[A-Z]\w{0,80}(?:Error|Exception|Exit|Interrupt)$"),
    (40, r"^(?:\w{1,80}\.){0,8}[A-Z]\w{0,80}(?:Error|Exception): "),
    # Node
    (88, r"^(?:404 +)?['\"]?\S{1,200} is not in (?:this|the npm) registry|^404 Not Found"),
    (88, r"No matching version found for|Couldn't find (?:any versions for|package)"),
    (86, r"^Missing script: |^error Command \"[^\"]{1,200}\" not found"),
    (86, r"^(?:error )?(?:engine )?(?:Not compatible with your version|Unsupported engine)"),
    (86, r"The engine \"[^\"]{1,60}\" is incompatible|can only install packages when your"),
    (84, r"^(?:Could not resolve dependency|ERESOLVE (?:unable|could not))", True),
    (87, r"^(?:Uncaught |stack )?(?:Error: )?Cannot find (?:module|package) ", True),
    (87, r"^Module not found: |Could not resolve (?:entry|\"|import)", True),
    (85, r"^(?:stack )?Error: (?!`|Command failed|not found: make$)\S"),
    (84, r"ERR_PNPM_(?!RECURSIVE)[A-Z_]{1,60}\s+\S|^➤ YN\d{4}: .{0,40}Error: "),
    (84, r"^error (?!Command failed)An unexpected error|network request to \S+ failed"),
    (83, r"^find Python +(?:Could not|Python is not)|^not found: make"),
    # Rust and Go besides compiling
    (84, r"^thread '[^']{0,100}'(?: \(\d+\))? panicked at "),
    (87, r"^go: (?!warning)\S|^go\.mod:\d+|^package \S{1,200} is not in|cannot find package "),
    (86, r"^no required module provides|missing go\.sum entry|^\S{1,200}: cannot find module"),
    # Ruby
    (88, r"^mkmf\.rb can't find"),
    (88, r"^(?:ERROR: +)?Could not find (?:a valid )?gem "),
    (88, r"^Could not find \S+ in "),
    (88, r"requires Ruby version|requires RubyGems version|^Bundler could not find compatible"),
    (80, r"^\S{1,300}:\d+:in [`'].{0,200}\(\w{1,80}(?:Error|Exception)\)$"),
    (80, r"is missing; (?:necessary|please)"),
    (80, r"is missing\. Please"),
    (80, r"^(?:\S{1,80} )?(?:library|header)s? (?:is|are|was|were)? ?(?:missing|not found)"),
    # R
    (87, r"^ERROR: dependenc(?:y|ies) |there is no package called|^Configuration failed because"),
    (86, r"^(?:Warning: )?package .{1,200} is not available (?:\(|for)|^ERROR: this R is version"),
    (70, r"^Error(?: in .{1,300})? ?: "),
    # Perl
    (88, r"^Perl v?[\d.]+ required|^Can't locate \S{1,200} in @INC|^Can't exec "),
    (88, r"^(?:! )?Couldn't find module or a distribution|^! Finding .{1,200} failed"),
    (84, r"^syntax error at "),
    (70, r"^! (?:Installing the dependencies failed|The distribution \S+)"),
    (60, r"^Warning: prerequisite \S+"),
    # Java
    (88, r"Could not (?:resolve dependencies|(?:find|transfer) artifact)", True),
    (88, r"Could not find \S{1,200}:\S{1,200}:", True),
    (88, r"invalid (?:source|target) release"),
    (88, r"release version \d+ not supported"),
    (88, r"Unsupported class file"),
    (84, r"^\* What went wrong:|^A problem occurred "),
    (86, r"^> (?:Could not|A problem|Failed|Plugin|Cannot|Toolchain|No matching)"),
    (83, r"^Caused by: (?:[a-z]\w{0,40}\.){1,8}\w{1,80}: "),
    (83, r"^Exception in thread \"[^\"]{1,80}\" (?:[a-z]\w{0,40}\.){1,8}\w{1,80}: "),
    (60, r"^Failed to execute goal"),
    # Debian
    (90, r"^E: (?:Unable to locate|Package '|Version '|Couldn't find|Unable to fetch some)"),
    (84, r"^E: (?!Sub-process)\S|^The following packages have unmet dependencies", True),
    (82, r"^dpkg: error"),
    # git
    (86, r"^(?:remote: )?(?:Repository not found|ERROR: Repository)"),
    (84, r"^fatal: (?!not a git repository|No names found|detected dubious|the remote end)\S"),
    (50, r"^fatal: "),
    # the builder of images
    (90, r"pull access denied"),
    (90, r"manifest (?:for \S+ not found|unknown)"),
    (90, r"failed to resolve source metadata"),
    (90, r"dockerfile parse error"),
    (90, r"unknown instruction: "),
    (90, r"failed to (?:compute cache key|calculate checksum)"),
    (90, r"^(?:COPY|ADD) failed: "),
    (78, r"^(?:ERROR: )?failed to solve: (?!process )"),
    # networks
    (94, r"Temporary failure (?:in name resolution|resolving)"),
    (94, r"Could not resolve host"),
    (94, r"Name or service not known"),
    (94, r"getaddrinfo (?:ENOTFOUND|EAI_AGAIN)|dial tcp: lookup |Network is unreachable"),
    (90, r"CERTIFICATE_VERIFY_FAILED|certificate verify failed|self.signed certificate"),
    # scripts
    (84, r"^(?:\S{0,200}: )?(?:line )?\d+: [sS]yntax error|^\S{1,200}: \d+: Syntax error"),
    (76, r"^(?:cp|mv|rm|ln|mkdir|install|cat|tar|chmod|chown|cd|patch|curl|wget|unzip|sed): \S"),
    (65, r": (?:No such file or directory|Permission denied|Is a directory|Not a directory)$"),
    # anything else that calls itself an error, the more plainly the sooner
    (52, r"^(?:error|ERROR|FATAL|Fatal|CRITICAL)\b[:!]? (?!command |Failed (?:building|to build)"
        r"|could not compile|failed to run custom|linking with)\S"),
    (50, r"^Error: \S"),
    (46, r"\b(?:error|Error|ERROR): \S"),
    (36, r"^(?:error: )?command '[^']{1,200}' failed"),
    (36, r"^error: linking with"),
    (36, r"^error: failed to run custom"),
    (34, r"^(?:ERROR: |error: )?(?:Failed building|Failed to (?:build|compile)|could not compile)"),
    (30, r"\b(?:failed|failure|cannot|could not|unable to|invalid|missing|refused|denied)\b"),
)  # fmt: skip


class Found(NamedTuple):
    """The line that says why a build failed.

    Parameters
    ----------
    line
        Without what other tools put before it; empty only for an empty log.
    rank
        How surely it is the cause, from 0 to 100.
    around
        The line as it stands in the log, between those beside it.
    """

    line: str
    rank: int
    around: str


def find(log: str) -> Found:
    """Return the line of a log that says why it ended.

    The log is a stranger's: no more than its end is looked at, and long lines are cut.
    """
    raw = [
        line.strip()[:_MOST_LINE_CHARS] for line in log[-_MOST_CHARS:].splitlines()[-_MOST_LINES:]
    ]
    raw = [line for line in raw if _bare(line)]
    lines = [_bare(line) for line in raw]
    best, best_at = _Rule(0, re.compile("")), -1
    seen: dict[str, _Rule | None] = {}
    for at, line in enumerate(lines):
        if line not in seen:
            seen[line] = None if _is_noise(line) else _rule_of(line)
        rule = seen[line]
        if rule is not None and (
            rule.rank > best.rank or (rule.rank == best.rank and not best.is_first)
        ):
            best, best_at = rule, at
    if best_at < 0:
        line = _last(lines) or _CONTROL.sub("", log).strip()[-_MOST_LINE_CHARS:]
        return Found(line, 0, line)
    around = raw[max(best_at - _BESIDE, 0) : best_at + _BESIDE + 1]
    return Found(_whole(lines, best_at), best.rank, "\n".join(around))


def _bare(line: str) -> str:
    """Return a line without colours, and without what a tool puts before another's."""
    plain = _CONTROL.sub("", line)
    prefix = _PREFIX.match(plain)
    return (plain[prefix.end() :] if prefix else plain).strip()


def _is_noise(line: str) -> bool:
    return _NOISE.match(line) is not None or _NOISE_ANYWHERE.search(line) is not None


def _rule_of(line: str) -> _Rule | None:
    return next((rule for rule in _RULES if rule.pattern.search(line)), None)


def _last(lines: list[str]) -> str:
    """Return the last line that says something, or else the last."""
    for line in reversed(lines):
        if not _is_noise(line):
            return line
    return lines[-1] if lines else ""


def _whole(lines: list[str], at: int) -> str:
    """Return a line with the one after it, where it only announces that."""
    line = lines[at]
    if line.endswith(":") and at + 1 < len(lines):
        line = f"{line} {lines[at + 1]}"
    bare = _OWN_WORD.match(line)
    return line[bare.end() :] if bare else line
