"""How a command is confined on this machine: by bubblewrap, or only by limits.

Starting it and holding it to its limits is left to ``guardian``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import ClassVar, Protocol

from ..errors import EngineError

SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"

_INSTALL_HINT = (
    "Install bubblewrap (Debian, Ubuntu: apt-get install bubblewrap; Fedora: dnf install "
    "bubblewrap), or set TooInstance.sandbox to 'none' to go without isolation."
)
# what programs need of /etc; nothing that names the machine's users or holds a key
_ETC = (
    "alternatives",
    "ca-certificates",
    "crypto-policies",
    "fonts",
    "gai.conf",
    "host.conf",
    "hosts",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "locale.alias",
    "localtime",
    "magic",
    "mime.types",
    "nsswitch.conf",
    "perl",
    "pki",
    "protocols",
    "resolv.conf",
    "services",
    "ssl",
    "terminfo",
    "timezone",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Confinement:
    """What a command may see and use.

    Parameters
    ----------
    work
        The folder that it starts in and may write to.
    work_at
        Where `work` appears; ``None`` for the same path.
    writable, readable
        Other folders, at their own paths.
    account
        A folder of `write_account`: who the command is, as /etc/passwd tells.
    tmp_bytes
        The size of what is memory inside: /tmp, /dev/shm and HOME together.
    uid
        The user that it becomes; ``None`` to stay the present one, who is not root.
    """

    work: Path
    account: Path
    work_at: str | None = None
    writable: Sequence[Path] = ()
    readable: Sequence[Path] = ()
    network: bool = True
    processes: int = 256
    tmp_bytes: int = 512 * 2**20
    uid: int | None = None


class Sandbox(Protocol):
    """A way to confine a command."""

    name: ClassVar[str]
    isolates_network: ClassVar[bool]

    def wrap(self, argv: Sequence[str], confinement: Confinement) -> list[str]:
        """Return the argv that runs `argv` confined."""
        ...

    def working_directory(self, confinement: Confinement) -> str:
        """Return the path of the working directory as the command sees it."""
        ...

    def home(self, confinement: Confinement) -> tuple[str, str]:
        """Return HOME and TMPDIR as the command sees them."""
        ...


class Bubblewrap:
    """Namespaces of its own: the system read-only, a private /tmp, no other processes or files.

    As root it is started with the privilege to change the user and nothing else, and the command
    begins only after that user is dropped to, since a uid of 0 would own files of the host.
    """

    name: ClassVar[str] = "bubblewrap"
    isolates_network: ClassVar[bool] = True
    _HOME = "/home/tool"

    def __init__(self, program: str) -> None:
        self._program = program

    def wrap(self, argv: Sequence[str], confinement: Confinement) -> list[str]:
        """Return the argv that runs `argv` confined."""
        work_at = self.working_directory(confinement)
        size = str(confinement.tmp_bytes // 3)  # there are three
        mounts: list[tuple[str, str, str]] = [
            *(("--ro-bind", str(path.resolve()), str(path)) for path in _system_folders()),
            *(
                ("--ro-bind", str(path.resolve()), str(path))
                for path in (Path("/etc", name) for name in _ETC)
                if path.exists()
            ),
            ("--ro-bind", str(confinement.account / "passwd"), "/etc/passwd"),
            ("--ro-bind", str(confinement.account / "group"), "/etc/group"),
            *(("--ro-bind", str(path), str(path)) for path in confinement.readable),
            *(("--bind", str(path), str(path)) for path in confinement.writable),
            ("--bind", str(confinement.work), work_at),
        ]
        options = [self._program, "--die-with-parent", "--new-session", "--unshare-pid"]
        options += ["--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
        if confinement.uid is None:
            options.append("--unshare-user")
        if not confinement.network:
            options.append("--unshare-net")
        own = ("/tmp", "/dev/shm", self._HOME)  # noqa: S108
        options += ["--proc", "/proc", "--dev", "/dev"]
        # folders that bubblewrap makes by itself are closed to all but the user who started it
        for folder in _parents([self._HOME]):
            options += ["--perms", "0755", "--dir", folder]
        for folder in own:
            options += ["--perms", "1777", "--size", size, "--tmpfs", folder]
        for folder in _parents(mount[2] for mount in mounts):
            if folder not in own:
                options += ["--perms", "0755", "--dir", folder]
        for path in ("/bin", "/lib", "/lib32", "/lib64", "/libx32", "/sbin"):
            if Path(path).is_symlink():
                options += ["--symlink", str(Path(path).readlink()), path]
        for mount in mounts:
            options += mount
        # what bubblewrap made itself would otherwise be memory without a limit
        options += ["--chdir", work_at, "--remount-ro", "/dev", "--remount-ro", "/"]
        if confinement.uid is not None:
            user = str(confinement.uid)
            options += ["--cap-drop", "ALL"]
            for capability in ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP"):
                options += ["--cap-add", capability]
            options += ["--", "/usr/bin/setpriv", f"--reuid={user}", f"--regid={user}"]
            options += ["--clear-groups", "--no-new-privs", "--bounding-set=-all"]
            options.append("--inh-caps=-all")
        # a little more than is counted from outside, so that reaching it is seen and said
        most = confinement.processes + 16
        return [*options, "--", "/usr/bin/prlimit", f"--nproc={most}:{most}", "--", *argv]

    def working_directory(self, confinement: Confinement) -> str:
        """Return the path of the working directory as the command sees it."""
        return confinement.work_at or str(confinement.work)

    def home(self, confinement: Confinement) -> tuple[str, str]:
        """Return HOME and TMPDIR as the command sees them."""
        return self._HOME, "/tmp"  # noqa: S108


class Plain:
    """No isolation: a process with limits, of a user that is not root."""

    name: ClassVar[str] = "none"
    isolates_network: ClassVar[bool] = False

    def wrap(self, argv: Sequence[str], confinement: Confinement) -> list[str]:
        """Return `argv`, once sure that it can be held to what is asked.

        Raises
        ------
        EngineError
            If it shall have no network, or its user could not reach its files.
        """
        if not confinement.network:
            raise EngineError(
                "Without bubblewrap a tool cannot be kept off the network.",
                _INSTALL_HINT,
                code="network_not_isolated",
            )
        if confinement.uid is not None:
            places = (confinement.work, Path(argv[0]), *confinement.readable, *confinement.writable)
            for place in places:
                if (closed := _closed_to_others(place)) is not None:
                    raise EngineError(
                        f"Tools are never run as root, and other users cannot enter {closed}.",
                        "Install bubblewrap (apt-get install bubblewrap), set TOOINSTANCE_HOME to "
                        "a folder that others can enter, or start Jupyter as an ordinary user.",
                        code="root_refused",
                    )
        return list(argv)

    def working_directory(self, confinement: Confinement) -> str:
        """Return the path of the working directory as the command sees it."""
        return str(confinement.work)

    def home(self, confinement: Confinement) -> tuple[str, str]:
        """Return HOME and TMPDIR as the command sees them."""
        return str(confinement.account / "home"), str(confinement.account / "tmp")


@cache
def choose(setting: str = "auto") -> Sandbox:
    """Return the sandbox of this machine, after trying it (see `TooInstance.sandbox`).

    Raises
    ------
    EngineError
        If bubblewrap is required and does not work.
    """
    if setting == "none":
        return Plain()
    program = shutil.which("bwrap")
    if program is None:
        problem = "bubblewrap is not installed"
    else:
        sandbox = Bubblewrap(program)
        problem = _problem_of(sandbox)
        if not problem:
            return sandbox
    if setting == "bubblewrap":
        raise EngineError(f"Isolation is required, and {problem}.", _INSTALL_HINT)
    return Plain()


def unprivileged_uid(key: str) -> int | None:
    """Return a uid for what `key` (hexadecimal) names, or ``None`` if we are not root.

    Each run gets one of its own, so that runs cannot reach each other and limits count apart.
    """
    if os.geteuid() != 0:
        return None
    # a container may have few uids: /proc tells how many
    try:
        _, _, count = Path("/proc/self/uid_map").read_text().splitlines()[0].split()
        available = int(count)
    except (OSError, ValueError):
        available = 60_000
    first = 1_000_000_000 if available > 2_000_000_000 else 10_000
    return first + int(key[:8], 16) % (min(available, 2_000_000_000) - first - 1)


def write_account(folder: Path, uid: int | None) -> None:
    """Write who a command is into a folder: a passwd and a group file, and a home for `Plain`."""
    number = os.getuid() if uid is None else uid
    group = os.getgid() if uid is None else uid
    folder.mkdir(exist_ok=True)
    (folder / "passwd").write_text(f"tool:x:{number}:{group}::{Bubblewrap._HOME}:/bin/sh\n")
    (folder / "group").write_text(f"tool:x:{group}:\n")
    for name in ("home", "tmp"):
        (folder / name).mkdir(exist_ok=True)
        if uid is not None:
            os.chown(folder / name, uid, uid)


def _system_folders() -> list[Path]:
    names = ("/usr", "/bin", "/lib", "/lib32", "/lib64", "/libx32", "/sbin", "/nix/store", "/gnu")
    return [path for path in map(Path, names) if path.is_dir() and not path.is_symlink()]


def _parents(paths: Iterable[str]) -> list[str]:
    found: set[str] = set()
    for path in paths:
        found.update(str(parent) for parent in Path(path).parents)
    return sorted(found - {"/"})


def _closed_to_others(place: Path) -> Path | None:
    """Return the first folder on the way to a place that others cannot enter."""
    for folder in (*reversed(place.resolve().parents), place.resolve()):
        if folder.is_dir() and not folder.stat().st_mode & 0o001:
            return folder
    return None


def _problem_of(sandbox: Bubblewrap) -> str:
    """Return why bubblewrap does not work here, or nothing."""
    uid = unprivileged_uid("ffffffff")
    with tempfile.TemporaryDirectory(prefix="tooinstance-") as folder:
        work = Path(folder, "work")
        work.mkdir()
        write_account(Path(folder, "account"), uid)
        confinement = Confinement(
            work=work, account=Path(folder, "account"), work_at="/work", uid=uid, network=False
        )
        try:
            tried = subprocess.run(
                sandbox.wrap(["/bin/true"], confinement),
                capture_output=True,
                timeout=10,
                text=True,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"bubblewrap does not start ({error})"
    return "" if tried.returncode == 0 else f"bubblewrap does not work ({tried.stderr.strip()})"
