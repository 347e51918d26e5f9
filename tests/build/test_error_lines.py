"""The first line of a failure is its cause: which line of a log that is, whoever wrote the log."""

# ruff: noqa: RUF001 tools write their logs with signs and quotes of their own
from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tooinstance_jupyter.build.diagnose import AGAIN, cause
from tooinstance_jupyter.build.error_lines import find

# kind: (the log, what the line that is found says)
LOGS: dict[str, tuple[str, str]] = {
    "pip: a header is missing": (
        """
Collecting frob==1.0
  Downloading frob-1.0.tar.gz (12 kB)
Building wheels for collected packages: frob
  Building wheel for frob (pyproject.toml): started
  error: subprocess-exited-with-error

  × Building wheel for frob (pyproject.toml) did not run successfully.
  │ exit code: 1
  ╰─> [17 lines of output]
      running build_ext
      building 'frob._c' extension
      gcc -pthread -Wall -fPIC -I/usr/include -c src/frob.c -o build/frob.o
      src/frob.c:3:10: fatal error: zq/frob.h: No such file or directory
          3 | #include <zq/frob.h>
            |          ^~~~~~~~~~~
      compilation terminated.
      error: command '/usr/bin/gcc' failed with exit code 1
      [end of output]

  note: This error originates from a subprocess, and is likely not a problem with pip.
  ERROR: Failed building wheel for frob
Failed to build frob
ERROR: Could not build wheels for frob, which is required to install pyproject.toml-based projects

[notice] A new release of pip is available: 23.0.1 -> 25.3
[notice] To update, run: pip install --upgrade pip
""",
        "src/frob.c:3:10: fatal error: zq/frob.h: No such file or directory",
    ),
    "pip: no such package": (
        """
Collecting six
  Using cached six-1.17.0-py2.py3-none-any.whl
ERROR: Could not find a version that satisfies the requirement nosuch-zq (from versions: none)
ERROR: No matching distribution found for nosuch-zq
WARNING: You are using pip version 21.2; however, version 25.3 is available.
You should consider upgrading via the '/usr/bin/python3 -m pip install --upgrade pip' command.
""",
        "Could not find a version that satisfies the requirement nosuch-zq",
    ),
    "pip: the set-up script fails": (
        """
  error: subprocess-exited-with-error
  × python setup.py egg_info did not run successfully.
  │ exit code: 1
  ╰─> [8 lines of output]
      Traceback (most recent call last):
        File "<string>", line 2, in <module>
        File "/tmp/pip-install/frob/setup.py", line 5, in <module>
          import numpy
      ModuleNotFoundError: No module named 'numpy'
      [end of output]
  note: This error originates from a subprocess, and is likely not a problem with pip.
error: metadata-generation-failed
× Encountered error while generating package metadata.
╰─> See above for output.
note: This is an issue with the package mentioned above, not pip.
hint: See above for details.
""",
        "ModuleNotFoundError: No module named 'numpy'",
    ),
    "pip: another Python": (
        "ERROR: Package 'frob' requires a different Python: 3.11.2 not in '>=3.13'\n",
        "requires a different Python: 3.11.2",
    ),
    "uv: no such package": (
        """
Using Python 3.11.2 environment at: venv
  × No solution found when resolving dependencies:
  ╰─▶ Because nosuch-zq was not found in the package registry and you require nosuch-zq, we can
      conclude that your requirements are unsatisfiable.
""",
        "Because nosuch-zq was not found in the package registry",
    ),
    "uv: a build backend's own error": (
        """
Resolved 12 packages in 310ms
 + six==1.17.0
  × Failed to build `frob @ file:///source`
  ├─▶ The build backend returned an error
  ╰─▶ Call to `setuptools.build_meta.build_wheel` failed (exit status: 1)

      [stderr]
      Traceback (most recent call last):
        File "<string>", line 14, in <module>
        File "setup.py", line 3, in <module>
      ValueError: VERSION is not set

      hint: This usually indicates a problem with the package or the build environment.
""",
        "ValueError: VERSION is not set",
    ),
    "uv: CMake inside": (
        """
  × Failed to build `frob==2.0`
  ╰─▶ Call to `scikit_build_core.build.build_wheel` failed (exit status: 1)
      [stdout]
      -- Detecting CXX compiler ABI info - done
      -- Configuring incomplete, errors occurred!
      [stderr]
      CMake Error at CMakeLists.txt:12 (find_package):
        By not providing "FindEigen3.cmake" in CMAKE_MODULE_PATH this project has asked CMake
      subprocess.CalledProcessError: Command '['cmake', '..']' returned non-zero exit status 1.
""",
        'CMake Error at CMakeLists.txt:12 (find_package): By not providing "FindEigen3.cmake"',
    ),
    "flat layout": (
        "error: Multiple top-level packages discovered in a flat-layout: ['data', 'frob'].\n\n"
        "To avoid accidental inclusion of unwanted files or directories,\n"
        "setuptools will not proceed with this build.\n",
        "Multiple top-level packages discovered",
    ),
    "npm: a script": (
        """
npm warn deprecated rimraf@2.7.1: Rimraf versions prior to v4 are no longer supported
npm error code 2
npm error path /opt/tool/source
npm error command failed
npm error command sh -c tsc -p .
npm error src/cli.ts(3,21): error TS2307: Cannot find module 'zq' or its type declarations.
npm error src/cli.ts(9,2): error TS7006: Parameter 'x' implicitly has an 'any' type.
npm error A complete log of this run can be found in: /root/.npm/_logs/2026-debug-0.log
""",
        "src/cli.ts(3,21): error TS2307: Cannot find module 'zq'",
    ),
    "npm: no such version": (
        """
npm error code ETARGET
npm error notarget No matching version found for cow@^999.0.0.
npm error notarget In most cases you or one of your dependencies are requesting
npm error notarget a package version that doesn't exist.
npm error A complete log of this run can be found in: /root/.npm/_logs/2026-debug-0.log
""",
        "No matching version found for cow@^999.0.0.",
    ),
    "npm: peers": (
        """
npm ERR! code ERESOLVE
npm ERR! ERESOLVE unable to resolve dependency tree
npm ERR!
npm ERR! While resolving: frob@1.0.0
npm ERR! Found: react@18.3.1
npm ERR! Could not resolve dependency:
npm ERR! peer react@"^16" from old-thing@1.0.0
npm ERR! A complete log of this run can be found in:
npm ERR!     /root/.npm/_logs/2026-debug-0.log
""",
        "ERESOLVE unable to resolve dependency tree",
    ),
    "npm: no such script": (
        'npm error Missing script: "build"\nnpm error\nnpm error To see a list of scripts, run:\n'
        "npm error   npm run\nnpm error A complete log of this run can be found in: /x.log\n",
        'Missing script: "build"',
    ),
    "node-gyp": (
        """
npm error code 1
npm error path /opt/tool/node_modules/zq
npm error command failed
npm error command sh -c node-gyp rebuild
npm error gyp info it worked if it ends with ok
npm error gyp ERR! find Python
npm error gyp ERR! configure error
npm error gyp ERR! stack Error: Could not find any Python installation to use
npm error gyp ERR! stack     at PythonFinder.fail (/usr/lib/node_modules/npm/find-python.js:306:11)
npm error gyp ERR! System Linux 6.1
npm error gyp ERR! command "/usr/bin/node" "node-gyp" "rebuild"
npm error gyp ERR! cwd /opt/tool/node_modules/zq
npm error gyp ERR! node -v v18.19.0
npm error gyp ERR! not ok
npm error A complete log of this run can be found in: /root/.npm/_logs/2026-debug-0.log
""",
        "Could not find any Python installation to use",
    ),
    "yarn": (
        """
yarn install v1.22.19
info No lockfile found.
[1/4] Resolving packages...
error Couldn't find package "nosuch-zq" on the "npm" registry.
info Visit https://yarnpkg.com/en/docs/cli/install for documentation about this command.
""",
        'Couldn\'t find package "nosuch-zq"',
    ),
    "yarn: a script": (
        """
$ rollup -c
src/index.js → dist/index.js...
[!] Error: Could not resolve "./missing" from "src/index.js"
error Command failed with exit code 1.
info Visit https://yarnpkg.com/en/docs/cli/run for documentation about this command.
""",
        'Could not resolve "./missing"',
    ),
    "pnpm": (
        """
Progress: resolved 12, reused 0, downloaded 0, added 0
 ERR_PNPM_NO_MATCHING_VERSION  No matching version found for zq@9 while fetching it
This error happened while installing a direct dependency of /app
 ELIFECYCLE  Command failed with exit code 1.
""",
        "No matching version found for zq@9",
    ),
    "node: a script throws": (
        """
> frob@1.0.0 build
> node build.js
/source/build.js:3
  throw new Error("needs GIT_SHA")
  ^

Error: needs GIT_SHA
    at Object.<anonymous> (/source/build.js:3:9)
    at Module._compile (node:internal/modules/cjs/loader:1358:14)

Node.js v18.19.0
""",
        "Error: needs GIT_SHA",
    ),
    "cargo: an error of rustc": (
        """
   Compiling libc v0.2.150
   Compiling frob v0.1.0 (/source)
error[E0432]: unresolved import `zq`
 --> src/main.rs:1:5
  |
1 | use zq::Frob;
  |     ^^ use of undeclared crate or module `zq`

error[E0433]: failed to resolve: use of undeclared type `Frob`
For more information about this error, try `rustc --explain E0432`.
error: could not compile `frob` (bin "frob") due to 2 previous errors
""",
        "error[E0432]: unresolved import `zq`",
    ),
    "cargo: an old Rust": (
        "error: package `clap v4.5.0` cannot be built because it requires rustc 1.74 or newer, "
        "while the currently active rustc version is 1.63.0\nEither upgrade to rustc 1.74\n"
        "error: failed to compile `frob v0.1.0 (/source)`, intermediate artifacts can be found at "
        "`/source/target`.\n",
        "package `clap v4.5.0` cannot be built because it requires rustc 1.74",
    ),
    "cargo: a lock file of a newer Cargo": (
        "error: failed to parse lock file at: /source/Cargo.lock\n\nCaused by:\n"
        "  lock file version 4 requires `-Znext-lockfile-bump`\n",
        "failed to parse lock file at: /source/Cargo.lock",
    ),
    "cargo: a build script": (
        """
error: failed to run custom build command for `openssl-sys v0.9.93`

Caused by:
  process didn't exit successfully: `/source/target/release/build-script-main` (exit status: 101)
  --- stdout
  cargo:rerun-if-env-changed=OPENSSL_DIR
  --- stderr
  thread 'main' panicked at build/find_normal.rs:190:5:
  Could not find directory of OpenSSL installation, and this `-sys` crate cannot proceed
  note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace
warning: build failed, waiting for other jobs to finish...
""",
        "Could not find directory of OpenSSL installation",
    ),
    "go: compile": (
        """
go: downloading github.com/spf13/cobra v1.8.0
# e.example/frob
./main.go:12:9: undefined: frobnicate
./main.go:14:2: x declared and not used
""",
        "./main.go:12:9: undefined: frobnicate",
    ),
    "go: a newer Go": (
        "go: errors parsing go.mod:\n/source/go.mod:3: invalid go version '1.22.1': must match "
        "format 1.23\n",
        "invalid go version '1.22.1'",
    ),
    "go: a private module": (
        "go: e.example/private@v1.0.0: reading e.example/private: git ls-remote failed: exit "
        "status 128:\n\tfatal: could not read Username for 'https://e.example': terminal prompts "
        "disabled\n",
        "e.example/private",
    ),
    "gcc: many errors and make": (
        """
make[1]: Entering directory '/source/src'
gcc -O2 -c -o a.o a.c
a.c: In function 'main':
a.c:10:3: warning: implicit declaration of function 'zq' [-Wimplicit-function-declaration]
a.c:12:5: error: 'frob' undeclared (first use in this function)
   12 |     frob = 1;
      |     ^~~~
a.c:12:5: note: each undeclared identifier is reported only once
a.c:20:1: error: expected ';' before '}' token
make[1]: *** [Makefile:7: a.o] Error 1
make[1]: Leaving directory '/source/src'
make: *** [Makefile:3: all] Error 2
""",
        "a.c:12:5: error: 'frob' undeclared",
    ),
    "ld: undefined": (
        """
gcc -o frob a.o
/usr/bin/ld: a.o: in function `main':
a.c:(.text+0x14): undefined reference to `inflateInit_'
collect2: error: ld returned 1 exit status
make: *** [Makefile:4: frob] Error 1
""",
        "undefined reference to `inflateInit_'",
    ),
    "ld: no such library": (
        "/usr/bin/ld: cannot find -lzq: No such file or directory\n"
        "collect2: error: ld returned 1 exit status\nninja: build stopped: subcommand failed.\n",
        "cannot find -lzq",
    ),
    "gcc: killed": (
        "c++: fatal error: Killed signal terminated program cc1plus\ncompilation terminated.\n"
        "make[2]: *** [CMakeFiles/x.dir/build.make:76: x.o] Error 1\n",
        "Killed signal terminated program cc1plus",
    ),
    "cmake: a package": (
        """
-- The C compiler identification is GNU 12.2.0
CMake Error at /usr/share/cmake-3.25/Modules/FindPackageHandleStandardArgs.cmake:230 (message):
  Could NOT find ZLIB (missing: ZLIB_LIBRARY ZLIB_INCLUDE_DIR)
Call Stack (most recent call first):
  CMakeLists.txt:20 (find_package)

-- Configuring incomplete, errors occurred!
See also "/build/CMakeFiles/CMakeOutput.log".
""",
        "Could NOT find ZLIB",
    ),
    "cmake: an old CMake": (
        "CMake Error at CMakeLists.txt:1 (cmake_minimum_required):\n"
        "  CMake 3.30 or higher is required.  You are running version 3.25.1\n\n"
        "-- Configuring incomplete, errors occurred!\n",
        "CMake 3.30 or higher is required",
    ),
    "meson": (
        """
Run-time dependency zq found: NO (tried pkgconfig and cmake)

meson.build:21:0: ERROR: Dependency "zq" not found, tried pkgconfig and cmake

A full log can be found at /build/meson-logs/meson-log.txt
""",
        'ERROR: Dependency "zq" not found',
    ),
    "configure": (
        """
checking for gcc... gcc
checking for zlib.h... no
checking for libdeflate_deflate_compress in -ldeflate... no
configure: error: zlib development files not found

HTSlib uses compression routines from the zlib library <http://zlib.net>.
""",
        "configure: error: zlib development files not found",
    ),
    "autoreconf": (
        """
libtoolize: putting auxiliary files in '.'.
configure.ac:31: error: possibly undefined macro: AC_LIBZQ
      If this token and others are legitimate, please use m4_pattern_allow.
      See the Autoconf documentation.
autoreconf: error: /usr/bin/autoconf failed with exit status: 1
""",
        "possibly undefined macro: AC_LIBZQ",
    ),
    "make: no rule": (
        "make: *** No rule to make target 'modules/oniguruma', needed by 'all'.  Stop.\n",
        "No rule to make target 'modules/oniguruma'",
    ),
    "make: a program is missing": (
        "flex -o lexer.c lexer.l\nmake: flex: No such file or directory\n"
        "make: *** [Makefile:12: lexer.c] Error 127\n",
        "make: flex: No such file or directory",
    ),
    "shell: a program is missing": (
        "./build.sh: line 4: pandoc: command not found\nmake: *** [all] Error 127\n",
        "pandoc: command not found",
    ),
    "gem: an extension": (
        """
Fetching nokogiri-1.15.0.gem
Building native extensions. This could take a while...
ERROR:  Error installing frob:
        ERROR: Failed to build gem native extension.

    current directory: /var/lib/gems/3.1.0/gems/zq-1.0/ext/zq
/usr/bin/ruby3.1 -I /usr/lib/ruby/vendor_ruby extconf.rb
mkmf.rb can't find header files for ruby at /usr/lib/ruby/include/ruby.h

You might have to install separate package for the ruby development
environment, ruby-dev or ruby-devel for example.

extconf failed, exit code 1

Gem files will remain installed in /var/lib/gems/3.1.0/gems/zq-1.0 for inspection.
Results logged to /var/lib/gems/3.1.0/extensions/x86_64-linux/3.1.0/zq-1.0/gem_make.out
""",
        "mkmf.rb can't find header files for ruby",
    ),
    "bundler": (
        """
Fetching gem metadata from https://e.example/..........
Could not find gem 'nosuch-zq' in rubygems repository https://e.example/ or installed locally.
""",
        "Could not find gem 'nosuch-zq'",
    ),
    "gem: an old Ruby": (
        "ERROR:  Error installing /tool.gem:\n\tfrob-1.0 requires Ruby version >= 3.4. The current "
        "ruby version is 3.1.2.20.\n",
        "requires Ruby version >= 3.4",
    ),
    "R": (
        """
* installing *source* package ‘frob’ ...
ERROR: dependencies ‘zq’, ‘zr’ are not available for package ‘frob’
* removing ‘/opt/tool/R/frob’
Warning message:
In install.packages(".") : installation of package ‘.’ had non-zero exit status
""",
        "dependencies ‘zq’, ‘zr’ are not available",
    ),
    "R: code": (
        "Error in library(zq) : there is no package called ‘zq’\nCalls: suppressMessages\n"
        "Execution halted\n",
        "there is no package called ‘zq’",
    ),
    "Perl": (
        """
--> Working on .
Configuring /source ... OK
Checking if you have Foo::Bar 0 ... No
! Couldn't find module or a distribution Foo::Bar
! Installing the dependencies failed: Module 'Foo::Bar' is not installed
! Bailing out the installation for frob-1.0.
""",
        "Couldn't find module or a distribution Foo::Bar",
    ),
    "Perl: a module at Makefile.PL": (
        "Can't locate Foo/Bar.pm in @INC (you may need to install the Foo::Bar module) (@INC "
        "contains: /etc/perl) at Makefile.PL line 3.\nBEGIN failed--compilation aborted at "
        "Makefile.PL line 3.\n! Configure failed for frob. See /root/.cpanm/build.log\n",
        "Can't locate Foo/Bar.pm",
    ),
    "Maven: compile": (
        """
[INFO] Compiling 12 source files to /source/target/classes
[ERROR] COMPILATION ERROR :
[ERROR] /source/src/main/java/Frob.java:[12,9] cannot find symbol
[ERROR]   symbol:   class Zq
[ERROR] Failed to execute goal org.apache.maven.plugins:maven-compiler-plugin:3.8.1:compile
[ERROR] -> [Help 1]
[ERROR] To see the full stack trace of the errors, re-run Maven with the -e switch.
[ERROR] Re-run Maven using the -X switch to enable full debug logging.
[ERROR] For more information about the errors and possible solutions, please read:
[ERROR] [Help 1] http://cwiki.apache.org/confluence/display/MAVEN/MojoFailureException
""",
        "Frob.java:[12,9] cannot find symbol",
    ),
    "Maven: a dependency": (
        "[ERROR] Failed to execute goal on project frob: Could not resolve dependencies for "
        "project e.example:frob:jar:1: Could not find artifact e.example:zq:jar:9 in central\n"
        "[ERROR] -> [Help 1]\n",
        "Could not find artifact e.example:zq:jar:9",
    ),
    "Gradle": (
        """
> Task :compileJava FAILED

FAILURE: Build failed with an exception.

* What went wrong:
Could not determine the dependencies of task ':compileJava'.
> Could not resolve all files for configuration ':compileClasspath'.
   > Could not find e.example:zq:9.

* Try:
> Run with --stacktrace option to get the stack trace.
* Get more help at https://help.gradle.org

BUILD FAILED in 3s
""",
        "Could not find e.example:zq:9.",
    ),
    "apt": (
        """
Reading package lists...
Building dependency tree...
E: Unable to locate package libzq-dev
E: Sub-process /usr/bin/dpkg returned an error code (1)
""",
        "Unable to locate package libzq-dev",
    ),
    "git: a submodule": (
        """
Cloning into '/source/vendor/zq'...
fatal: could not read Username for 'https://e.example': terminal prompts disabled
fatal: clone of 'https://e.example/zq' into submodule path '/source/vendor/zq' failed
Failed to clone 'vendor/zq' a second time, aborting
""",
        "fatal: ",
    ),
    "docker: a step": (
        """
#7 [3/4] RUN make -C /app
#7 0.312 cc -c app.c
#7 0.401 app.c:1:10: fatal error: zq.h: No such file or directory
#7 0.402 make: *** [Makefile:2: app.o] Error 1
#7 ERROR: process "/bin/sh -c make -C /app" did not complete successfully: exit code: 2
------
 > [3/4] RUN make -C /app:
0.401 app.c:1:10: fatal error: zq.h: No such file or directory
------
Dockerfile:5
--------------------
   3 |     COPY . /app
   5 | >>> RUN make -C /app
--------------------
ERROR: failed to solve: process "/bin/sh -c make -C /app" did not complete successfully: exit code
""",
        "app.c:1:10: fatal error: zq.h: No such file or directory",
    ),
    "docker: the old builder": (
        """
Step 4/6 : RUN pip install -r requirements.txt
 ---> Running in 1f2e3d4c5b6a
ERROR: Invalid requirement: 'six=1': Expected end or semicolon (after name and no valid version)
The command '/bin/sh -c pip install -r requirements.txt' returned a non-zero code: 1
""",
        "Invalid requirement: 'six=1'",
    ),
    "docker: nothing to copy": (
        'ERROR: failed to solve: failed to compute cache key: failed to calculate checksum of ref '
        'x: "/dist": not found\n',
        '"/dist": not found',
    ),
    "Python: an exception while another is handled": (
        """
Traceback (most recent call last):
  File "/source/setup.py", line 8, in <module>
    read("VERSION")
FileNotFoundError: [Errno 2] No such file or directory: 'VERSION'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/source/setup.py", line 10, in <module>
    raise RuntimeError("no version")
RuntimeError: no version
""",
        "RuntimeError: no version",
    ),
    "a script of its own": (
        "Checking out toolchain\ncp: cannot stat 'dist/frob': No such file or directory\n"
        "make: *** [Makefile:9: install] Error 1\n",
        "cp: cannot stat 'dist/frob'",
    ),
    "npm: no network": (
        "npm error code EAI_AGAIN\nnpm error syscall getaddrinfo\nnpm error errno EAI_AGAIN\n"
        "npm error request to https://e.example/zq failed, reason: getaddrinfo EAI_AGAIN "
        "e.example\nnpm error A complete log of this run can be found in: /x.log\n",
        "getaddrinfo EAI_AGAIN",
    ),
    "nothing but what went well": (
        "Resolved 3 packages in 1ms\nInstalled 3 packages in 2ms\n + six==1.17.0\n"
        "It wants a licence key\nmake: *** [Makefile:1: all] Error 1\n",
        "It wants a licence key",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", LOGS)
def test_the_line_that_is_found_says_why(kind: str) -> None:
    log, told = LOGS[kind]
    assert told in find(log).line


@pytest.mark.parametrize("kind", LOGS)
def test_colours_and_other_ends_of_lines_hide_no_cause(kind: str) -> None:
    log, told = LOGS[kind]
    painted = "\r\n".join(f"\x1b[31m{line}\x1b[0m" for line in log.splitlines())
    assert told in find(painted).line


@pytest.mark.parametrize(
    "piece",
    [
        "a", "a ", " ", "\n", "error ", "error: x\n", "a.", "a:", "1:", "a/b:1:1: error:",
        "npm error ", "#1 1.1 ", "[ERROR] ", "│ ", "Could not find ", "E: ", "x.X", "xError",
        ".go:1", "('", "Because ", "fatal: not ", "\x1b[", "configure: line 1", "é", "\x00", "> ",
        "error: failed ", "a-1.0 requires ", "process ", "Building for ", "(.java:1[", "^~|", "../",
    ],
)  # fmt: skip
@pytest.mark.parametrize("end", ["", "\n"])
def test_no_log_takes_long(piece: str, end: str) -> None:
    line = (piece * 400)[:400] if end else piece
    log = (line + end) * (5_000_000 // len(line + end))
    start = time.process_time()
    find(log)
    assert time.process_time() - start < 1


def test_a_long_log_of_lines_that_differ_takes_no_longer() -> None:
    chance = random.Random(1)
    words = ["error", "failed", "a.c:1:2:", "make:", "could", "not", "find", "x.py", "Error:", "✗"]
    log = "\n".join(" ".join(chance.choices(words, k=30)) for _ in range(40_000))
    start = time.process_time()
    assert find(log).line
    assert time.process_time() - start < 1


def test_what_failed_before_another_try_is_not_the_cause() -> None:
    first = "error: command 'gcc' failed: No such file or directory\n"
    log = f"{first}{AGAIN}\nfrob.c:1:10: fatal error: zq.h: No such file or directory\n"
    assert "zq.h" in cause(log).message


def test_what_was_done_without_is_not_the_cause() -> None:
    log = "./configure: line 12: gtkdocize: command not found\na.c:1:2: error: expected ';'\n"
    assert "expected ';'" in cause(log).message


def test_the_line_of_a_long_log_is_short() -> None:
    assert len(find("error: " + "x" * 5_000_000).line) <= 500


_PIECES = st.sampled_from(["error: ", "\n", "make: *** [x] Error 1", "a.c:1: error: x", ":", " "])


_TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs"]))


@given(_TEXT | st.lists(_PIECES | _TEXT).map("".join))
def test_every_log_that_says_something_has_such_a_line(log: str) -> None:
    found = find(log)
    assert 0 <= found.rank <= 100
    if any(char.isalnum() for char in log):
        assert found.line
