"""A start is seen or it is not: what programs of any language write when they crash, or do not."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tooinstance_jupyter.build.base import Completed
from tooinstance_jupyter.build.check import check
from tooinstance_jupyter.build.crashes import crash_in
from tooinstance_jupyter.errors import BuildError

TRACEBACK = (
    "Traceback (most recent call last):\n"
    '  File "/opt/tool/venv/bin/frob", line 5, in <module>\n'
    "    from frob.cli import main\n"
    '  File "/opt/tool/venv/lib/frob/cli.py", line 3, in <module>\n'
    "    {source}\n"
    "    ^^^^^^^^^^^^^^^^^\n"
    "{error}\n"
)
NODE = (
    "file:///opt/tool/source/cli.js:3\n    throw new FrobError('no frobs')\n          ^\n\n"
    "{error}\n    at load (file:///opt/tool/source/cli.js:3:9)\n"
    "    at ModuleJob.run (node:internal/modules/esm/module_job:222:25)\n\nNode.js v20.11.0\n"
)


def python(error: str, source: str = "registry = load()") -> str:
    return TRACEBACK.format(source=source, error=error)


# what it writes and its exit code: what is said of it
CRASHES: list[tuple[str, int, str]] = [
    # Python
    (python("ModuleNotFoundError: No module named 'six'"), 1, "No module named 'six'"),
    (python("frob.errors.NoFrobs: there are none"), 1, "frob.errors.NoFrobs: there are none"),
    (python("RegistryMissing"), 1, "RegistryMissing"),
    (python("TypeError: main() missing 1 required positional argument: 'x'"), 1, "main()"),
    (python("pkg_resources.DistributionNotFound: The 'six' distribution"), 1, "'six'"),
    (python("AttributeError: module 'inspect' has no attribute 'getargspec'"), 1, "getargspec"),
    (python("FileNotFoundError: [Errno 2] No such file or directory: '/opt/x.json'"), 1, "x.json"),
    (python("PermissionError: [Errno 13] Permission denied: '/var/log/frob'"), 1, "Errno 13"),
    (python("KeyError: 'getpwuid(): uid not found: 1000'"), 1, "getpwuid"),
    (python("IndexError: list index out of range"), 1, "IndexError"),
    (python("frob.errors.NoFrobs: none"), 0, "NoFrobs"),
    ("╭──── Traceback (most recent call last) ────╮\n│ x │\n╰────╯\nNoFrobs: none\n", 1, "NoFrobs"),
    ("/usr/bin/python3: No module named frob\n", 1, "No module named frob"),
    ("python3: can't open file '/opt/x.py': [Errno 2] No such file\n", 2, "can't open file"),
    ("Fatal Python error: init_fs_encoding: failed\n", 1, "init_fs_encoding"),
    # Node
    (NODE.format(error="FrobError: no frobs"), 1, "FrobError: no frobs"),
    (NODE.format(error="Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'x'"), 1, "package 'x'"),
    (NODE.format(error="TypeError: x is not a function"), 0, "TypeError: x is not a function"),
    (
        'TypeError [ERR_UNKNOWN_FILE_EXTENSION]: Unknown file extension ".ts" for /x/index.ts\n',
        *(1, "ERR_UNKNOWN_FILE_EXTENSION"),
    ),
    ("node:internal/modules/cjs/loader:1143\n\nError: Cannot find module 'x'\n", 1, "module 'x'"),
    ("Error: Cannot find module './dist/cli.js'\nRequire stack:\n- /opt/x\n", 0, "dist/cli.js"),
    ("node:internal/process/promises\n\nUncaught 'none'\n\nNode.js v22.1.0\n", 1, "Uncaught"),
    # shells
    ('x.sh: 3: Syntax error: "(" unexpected\n', 2, 'Syntax error: "("'),
    ("/opt/x.sh: line 8: syntax error: unexpected end of file\n", 2, "unexpected end of file"),
    ("/opt/x.sh: line 3: syntax error near unexpected token `fi'\n", 2, "unexpected token"),
    ("hello\n/opt/x.sh: line 3: syntax error near unexpected token `fi'\n", 0, "unexpected token"),
    ('/opt/x.sh: syntax error: unexpected "("\n', 2, "syntax error"),
    ("x.sh[3]: syntax error: unexpected '('\n", 1, "syntax error"),
    ("x.zsh:2: parse error near `fi'\n", 1, "parse error"),
    ("sh: 1: gawk: not found\n", 127, "gawk"),
    ("sh: gawk: not found\n", 127, "gawk"),
    ("/opt/my tools/x.sh: 3: gawk: not found\n", 1, "gawk"),
    ("/opt/x: line 3: gawk: command not found\n", 1, "gawk"),
    ("/opt/x: line 3: gawk: command not found\n", 0, "gawk"),
    ("x.zsh:1: command not found: gawk\n", 127, "gawk"),
    ("x.ksh[2]: gawk: inaccessible or not found\n", 127, "gawk"),
    ("fish: Unknown command: gawk\n", 127, "gawk"),
    ("/opt/x: line 3: lib/common.sh: No such file or directory\n", 1, "lib/common.sh"),
    ("/opt/x: 3: .: Can't open lib/common.sh\n", 2, "lib/common.sh"),
    ("sh: 0: cannot open /opt/x: No such file\n", 2, "cannot open"),
    ("awk: x.awk: line 3: syntax error at or near }\n", 2, "syntax error"),
    # what the system says
    ("env: 'node': No such file or directory\n", 127, "node"),
    ("/usr/bin/env: \u2018python2\u2019: No such file or directory\n", 127, "python2"),
    ("bash: /opt/x: cannot execute: required file not found\n", 126, "required file"),
    ("bash: /opt/x: cannot execute binary file: Exec format error\n", 126, "Exec format"),
    ("/bin/sh: /opt/x: /usr/bin/lua: bad interpreter: No such file\n", 126, "bad interpreter"),
    ("exec /opt/x: exec format error\n", 1, "exec format error"),
    ("frob: failed to execute /opt/x: permission denied\n", 126, "permission denied"),
    ("sh: 1: /opt/x: Permission denied\n", 126, "Permission denied"),
    ("frob: cannot create /var/lib/frob: Permission denied\n", 1, "Permission denied"),
    ("frob: error while loading shared libraries: libz.so.1: cannot open\n", 127, "libz.so.1"),
    ("Error loading shared library libz.so.1: No such file (needed by /x)\n", 127, "libz.so.1"),
    ("/opt/x: /lib/libc.so.6: version `GLIBC_2.38' not found (required by /opt/x)\n", 1, "GLIBC"),
    ("/opt/x: symbol lookup error: /opt/x: undefined symbol: frob\n", 127, "symbol lookup"),
    # Go, Rust, C++
    ("panic: no frobs\n\ngoroutine 1 [running]:\nmain.main()\n", 2, "panic: no frobs"),
    ("fatal error: all goroutines are asleep\n\ngoroutine 1:\n", 2, "asleep"),
    ("thread 'main' panicked at src/main.rs:2:5:\nno frobs\nnote: run with\n", 101, "no frobs"),
    ("thread 'main' panicked at 'no frobs', src/main.rs:2:5\nnote: run\n", 101, "no frobs"),
    ("terminate called after throwing an instance of 'Frob'\n  what(): x\n", 134, "'Frob'"),
    ("frob: frob.c:3: main: Assertion `frobs > 0' failed.\n", 134, "Assertion"),
    # Java, .NET
    ('Exception in thread "main" org.frob.NoFrobs: x\n\tat org.frob.A(A.java:1)\n', 1, "NoFrobs"),
    ("Error: Could not find or load main class Frob\n", 1, "Frob"),
    ("Error: Unable to access jarfile frob.jar\n", 1, "frob.jar"),
    ("no main manifest attribute, in frob.jar\n", 1, "frob.jar"),
    ("Unhandled exception. Frob.NoFrobs: none\n   at Frob.Main()\n", 134, "NoFrobs"),
    # Ruby
    ("/x/frob.rb:3:in `load': none (Frob::NoFrobs)\n\tfrom /x/frob.rb:9\n", 1, "Frob::NoFrobs"),
    ("<internal:x>:3:in 'Kernel#require': cannot load such file -- x (LoadError)\n", 1, "-- x"),
    ("/x/frob:3:in 'Frob#load': undefined local variable (NameError)\n", 1, "NameError"),
    ("Could not find x-1.0 in any of the sources (Bundler::GemNotFound)\n", 1, "x-1.0"),
    # Perl
    ("Can't locate File/Next.pm in @INC (you may need to install it)\n", 2, "File/Next.pm"),
    ('syntax error at /x/frob line 3, near "}"\nExecution of /x/frob aborted due to '
     "compilation errors.\n", 255, "frob"),
    ("No frobs in the registry at /x/frob line 3.\n", 255, "No frobs"),
    ("Undefined subroutine &main::frob called at /x/frob line 3.\n", 255, "&main::frob"),
    # PHP
    ("PHP Fatal error:  Uncaught NoFrobs: none in /x/frob.php:3\nStack trace:\n", 255, "NoFrobs"),
    ("Fatal error: Allowed memory exhausted in /x/frob.php on line 3\n", 255, "memory"),
    ("PHP Parse error:  syntax error, unexpected token in /x/frob.php on line 3\n", 255, "Parse"),
    # Lua, R, Julia, Elixir
    ("lua: frob.lua:1: module 'lfs' not found:\n\tno field package.preload\n", 1, "'lfs'"),
    ("lua: frob.lua:1: none\nstack traceback:\n\t[C]: in ?\n", 1, "none"),
    ("Error in library(optparse) : there is no package called 'optparse'\n", 1, "optparse"),
    ("Error in frob() : no frobs\nCalls: frob\nExecution halted\n", 1, "no frobs"),
    ("ERROR: LoadError: none\nStacktrace:\n [1] error\n", 1, "none"),
    ("** (RuntimeError) none\n    frob.exs:1\n", 1, "RuntimeError"),
    # what has to be installed first
    ("frob needs more packages: pip install 'frob[cli]'\n", 1, "frob[cli]"),
    ("Set up the dependencies with `composer install` first.\n", 1, "composer install"),
]  # fmt: skip


@pytest.mark.parametrize(("output", "exit_code", "told"), CRASHES)
def test_a_crash_is_no_start_in_whatever_language(output: str, exit_code: int, told: str) -> None:
    crash = crash_in(output, exit_code=exit_code, given=["--help"])
    assert crash is not None
    assert told in crash.cause


# what it writes, its exit code, what it was given
OWN_WORDS: list[tuple[str, int, Sequence[str]]] = [
    ("", 0, ["--help"]),
    ("", 1, []),
    ("usage: frob [-h] FILE\nfrob: error: no file\n", 2, []),
    ("Usage: frob FILE\n" + NODE.format(error="Error: x"), 1, []),
    ("USAGE\n  frob FILE\n\n  ./x.sh: line 3: jq: command not found is what it answers\n", 0, []),
    ("Aufruf: frob DATEI\n", 1, []),
    ("frob: no such file: --help\n", 1, ["--help"]),
    ("frob: --help: not found\n", 1, ["--help"]),
    ("x.sh: line 3: --help: command not found\n", 127, ["--help"]),
    ("/opt/x.sh: line 3: --version: No such file or directory\n", 1, ["--version"]),
    ("frob: config.yml: not found\n", 1, []),
    ("error: config file not found\n", 1, []),
    ("frob: syntax error: --help\n", 1, ["--help"]),
    ("Error: not a terminal\n", 1, []),
    ("tput: No value for $TERM and no -T specified\n", 2, []),
    ("Error opening terminal: unknown.\n", 1, []),
    ("stdin: is not a tty\n", 1, []),
    ("Set FROB_TOKEN first.\n", 1, []),
    ("frob 1.0\n/opt/x: line 3: tput: command not found\n", 0, []),
    (python("IndexError: list index out of range", "path = sys.argv[1]"), 1, []),
    (python("FileNotFoundError: [Errno 2] No such file or directory: '--help'"), 1, ["--help"]),
    (python("FileNotFoundError: [Errno 2] No such file or directory: 'input.txt'"), 1, []),
    (python("ValueError: invalid literal for int(): '--help'"), 1, ["--help"]),
    (python("EOFError: EOF when reading a line", 'name = input("Who? ")'), 1, []),
    (python("OSError: [Errno 25] Inappropriate ioctl for device"), 1, []),
    (python("_curses.error: setupterm: could not find terminal"), 1, []),
    (python("KeyError: 'FROB_TOKEN'"), 1, []),
    (python("requests.exceptions.ConnectionError: Max retries exceeded"), 1, []),
    (python("socket.gaierror: [Errno -3] Temporary failure in name resolution"), 1, []),
    (NODE.format(error="Error: ENOENT: no such file or directory, open '--help'"), 1, ["--help"]),
    (NODE.format(error="TypeError [ERR_INVALID_ARG_TYPE]: Received undefined"), 1, []),
    (NODE.format(error="FrobError: Missing required argument: FILE"), 1, []),
    (python("frob.UsageError: no input file was given"), 1, []),
    (NODE.format(error="Error: getaddrinfo ENOTFOUND e.example"), 1, []),
    ("panic: runtime error: index out of range [1] with length 1\n\ngoroutine 1:\n", 2, []),
    ("panic: dial tcp: lookup e.example: no such host\n\ngoroutine 1:\n", 2, []),
    ("thread 'main' panicked at src/main.rs:2:5:\nindex out of bounds: the len is 1\n", 101, []),
    ("/x/frob.rb:3:in `open': no implicit conversion of nil into String (TypeError)\n", 1, []),
    ("/x/frob:3:in `parse': invalid option: --help (OptionParser::InvalidOption)\n", 1,
     ["--help"]),
    ("No input file given at /x/frob line 3.\n", 255, []),
    ("Cannot open --help: No such file or directory at /x/frob line 3.\n", 2, ["--help"]),
    ("You must specify a file. at /x/frob.pl line 3.\n", 9, []),
    ("Error: at least one argument must be given\nExecution halted\n", 1, []),
    ("Fatal error: no file\n", 1, []),
]  # fmt: skip


@pytest.mark.parametrize(("output", "exit_code", "arguments"), OWN_WORDS)
def test_what_a_program_says_in_words_of_its_own_is_no_crash(
    output: str, exit_code: int, arguments: Sequence[str]
) -> None:
    assert crash_in(output, exit_code=exit_code, given=arguments) is None


@given(
    name=st.from_regex(r"[A-Z][a-z]{2,8}(\.[A-Z][a-z]{2,8})?", fullmatch=True),
    told=st.text(st.characters(min_codepoint=97, max_codepoint=122), min_size=3, max_size=20),
    before=st.text("abc \n", max_size=50),
)
@settings(max_examples=60, deadline=None)
def test_an_exception_of_any_name_is_a_crash(name: str, told: str, before: str) -> None:
    crash = crash_in(f"{before}\n{python(f'{name}: {told}')}", exit_code=1)
    assert crash is not None
    assert crash.cause == f"{name}: {told}"


@given(
    st.text(st.sampled_from("aA:.-/'`[](){}*\n \t0at"), max_size=400),
    st.sampled_from([0, 1, 2, 127]),
)
@settings(max_examples=200, deadline=None)
def test_any_output_is_judged(output: str, exit_code: int) -> None:
    crash = crash_in(output, exit_code=exit_code, given=["--help"])
    assert crash is None or crash.cause


@pytest.mark.parametrize("piece", ["a", ": ", "at ", "(", "*", "\n", "a:1:1 ", "sh: ", "Error: \n"])
def test_much_output_is_judged_in_little_time(piece: str) -> None:
    began = time.process_time()
    crash_in(piece * (2**20 // len(piece)), exit_code=1, given=["--help"])
    assert time.process_time() - began < 2


def started(folder: Path, name: str, content: str) -> str:
    """Check a script as a real process, and return its help."""
    path = folder / name
    path.write_text(content)
    path.chmod(0o755)

    def start(argv: Sequence[str], timeout_s: float) -> Completed:
        try:
            done = subprocess.run(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Completed(exit_code=137, output="", timed_out=True)
        code = done.returncode if done.returncode >= 0 else 128 - done.returncode
        return Completed(exit_code=code, output=done.stdout)

    return check([str(path)], start, timeout_s=60)


PYTHON = f"#!{sys.executable}\nimport sys\n"
NOT_STARTED = {
    "an exception of its own at import": PYTHON
    + "class NoFrobs(Exception): pass\nraise NoFrobs('none')\n",
    "an exception whatever it is given": PYTHON + "print('hello')\nraise RuntimeError(len([]))\n",
    "dash": "#!/bin/sh\nif then\n",
    "bash": "#!/bin/bash\nfrob() {\n",
    "bash with what is missing": "#!/bin/bash\nno-such-program-zq \"$@\"\n",
    "bash with a file that is missing": "#!/bin/bash\n. ./lib/common.sh\nsay hello\n",
    "Perl that dies": "#!/usr/bin/perl\ndie 'no frobs in the registry';\n",
    "Perl that does not compile": "#!/usr/bin/perl\nuse strict; $x = ;\n",
    "an interpreter that is missing": "#!/usr/bin/env no-such-program-zq\n",
}  # fmt: skip
STARTED = {
    "one that takes any argument as a file": PYTHON + "open(sys.argv[1]).read()\n",
    "one that reads numbers": PYTHON + "print(sum(map(int, sys.argv[1:])))\n",
    "one that asks": PYTHON + "print(input('Who? '))\n",
    "one that crashes for what it does not know": PYTHON
    + "if sys.argv[1:]: raise RuntimeError('odd')\nprint('hello')\n",
    "shell with usage and exit code 1": "#!/bin/sh\necho Usage: frob FILE; exit 1\n",
    "shell that says what it misses": "#!/bin/sh\necho 'frob: no config' >&2; exit 3\n",
    "Perl that wants a file": "#!/usr/bin/perl\nopen(F, $ARGV[0]) or die \"Cannot open $ARGV[0]: "
    '$!";\n',
}  # fmt: skip


@pytest.mark.parametrize("kind", NOT_STARTED)
def test_a_program_that_cannot_start_fails_its_check(tmp_path: Path, kind: str) -> None:
    with pytest.raises(BuildError) as raised:
        started(tmp_path, "frob", NOT_STARTED[kind])
    assert raised.value.error_code == "check_failed"


@pytest.mark.parametrize("kind", STARTED)
def test_a_program_that_says_what_it_wants_passes_its_check(tmp_path: Path, kind: str) -> None:
    started(tmp_path, "frob", STARTED[kind])


def test_a_program_of_node_that_throws_fails_its_check(tmp_path: Path) -> None:
    # it comes with the packages of the tests
    node = Path(sys.executable).parent / "node"
    throws = "class NoFrobs extends Error {}; throw new NoFrobs('none')"
    with pytest.raises(BuildError, match="none"):
        started(tmp_path, "frob", f'#!/bin/sh\nexec "{node}" -e "{throws}"\n')
