"""Fetching, from real repositories and a real git server on this machine."""

from __future__ import annotations

import base64
import http.server
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tooinstance_jupyter.build.base import Checkout
from tooinstance_jupyter.build.fetch import fetch
from tooinstance_jupyter.build.sources import parse
from tooinstance_jupyter.config import TooInstance
from tooinstance_jupyter.errors import BuildCancelledError, SourceError

Repository = Callable[..., Path]
Git = Callable[..., str]


class Fetcher:
    """Fetches into a folder of its own, and keeps what was told."""

    def __init__(self, folder: Path, config: TooInstance) -> None:
        self.into = folder / "checkout"
        self.config = config
        self.told = ""
        self.is_cancelled = False

    def __call__(self, link: str | Path, ref: str | None = None) -> Checkout:
        text = f"file://{link}" if isinstance(link, Path) else link
        return fetch(
            parse(text, ref=ref),
            self.into,
            config=self.config,
            log=self._log,
            cancelled=lambda: self.is_cancelled,
            npm=lambda: ["npm"],
        )

    def fails(self, link: str | Path, ref: str | None = None) -> SourceError:
        with pytest.raises(SourceError) as caught:
            self(link, ref)
        assert not self.into.exists(), "something half-made is left"
        return caught.value

    def _log(self, text: str) -> None:
        self.told += text


@pytest.fixture
def fetcher(tmp_path: Path) -> Fetcher:
    return Fetcher(tmp_path, TooInstance(home=str(tmp_path / "home")))


class GitHandler(http.server.BaseHTTPRequestHandler):
    """Serves repositories through git's own http-backend, to those who have the password."""

    root: Path
    password: str | None = None
    redirect_to: str | None = None

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, *_: object) -> None:
        pass

    def _serve(self) -> None:
        if self.redirect_to is not None:
            self.send_response(302)
            self.send_header("Location", self.redirect_to + self.path)
            self.end_headers()
            return
        if self.password is not None:
            given = self.headers.get("Authorization", "").removeprefix("Basic ")
            if base64.b64decode(given).decode().partition(":")[2] != self.password:
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="git"')
                self.end_headers()
                return
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        done = subprocess.run(
            ["git", "http-backend"],
            input=body,
            capture_output=True,
            check=True,
            env={
                **os.environ,
                "GIT_PROJECT_ROOT": str(self.root),
                "GIT_HTTP_EXPORT_ALL": "1",
                "GIT_CONFIG_COUNT": "1",
                "GIT_CONFIG_KEY_0": "safe.directory",
                "GIT_CONFIG_VALUE_0": "*",
                "PATH_INFO": parts.path,
                "QUERY_STRING": parts.query,
                "REQUEST_METHOD": self.command,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            },
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[type[GitHandler], str]]:
    """Serve the repositories of this test; gives the handler to set up, and the link."""

    class Handler(GitHandler):
        root = tmp_path / "repositories"

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield Handler, f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def test_the_newest_commit_is_fetched_without_its_history(
    fetcher: Fetcher, repository: Repository, git: Git
) -> None:
    folder = repository({"a": "1"})
    git(folder, "commit", "--allow-empty", "-m", "Second")

    checkout = fetcher(folder)

    assert checkout.commit == git(folder, "rev-parse", "HEAD")
    assert (checkout.folder / "a").read_text() == "1"
    assert git(checkout.folder, "rev-list", "--count", "HEAD") == "1"
    assert checkout.name == "frobnicate"


@pytest.mark.parametrize("kind", ["tag", "branch", "commit", "short commit"])
def test_a_tag_a_branch_or_a_commit_is_fetched(
    fetcher: Fetcher, repository: Repository, git: Git, kind: str
) -> None:
    folder = repository({"a": "old"})
    old = git(folder, "rev-parse", "HEAD")
    git(folder, "tag", "-a", "v1.0", "-m", "v1.0")
    git(folder, "branch", "feature/old")
    (folder / "a").write_text("new")
    git(folder, "commit", "-am", "Second")
    ref = {"tag": "v1.0", "branch": "feature/old", "commit": old, "short commit": old[:9]}[kind]

    checkout = fetcher(folder, ref)

    assert checkout.commit == old
    assert (checkout.folder / "a").read_text() == "old"
    if kind == "tag":
        assert git(checkout.folder, "describe") == "v1.0"


def test_a_ref_that_does_not_exist_is_said_with_those_that_do(
    fetcher: Fetcher, repository: Repository, git: Git
) -> None:
    folder = repository({"a": "1"})
    git(folder, "tag", "v1.0")
    error = fetcher.fails(folder, "v1.O")
    assert error.error_code == "ref_not_found"
    assert "v1.0" in error.hint


def test_an_empty_repository_and_no_repository_are_told_apart(
    fetcher: Fetcher, tmp_path: Path, git: Git
) -> None:
    empty, none = tmp_path / "empty", tmp_path / "none"
    for folder in (empty, none):
        folder.mkdir()
    git(empty, "init", "--quiet")
    assert fetcher.fails(empty).error_code == "ref_not_found"
    assert fetcher.fails(none).error_code == "source_not_found"
    assert fetcher.fails(tmp_path / "missing").error_code == "source_not_found"


def test_a_subdirectory_is_found_or_said_to_be_missing(
    fetcher: Fetcher, repository: Repository
) -> None:
    folder = repository({"tools/x/a": "1"})
    assert (fetcher(f"file://{folder}#subdirectory=tools/x").folder / "a").exists()
    fetcher.into = fetcher.into.with_name("other")
    error = fetcher.fails(f"file://{folder}#subdirectory=nope")
    assert error.error_code == "subdirectory_not_found"


def test_a_subdirectory_that_is_a_link_out_of_the_repository_is_refused(
    fetcher: Fetcher, repository: Repository
) -> None:
    folder = repository({"a": "1"})
    (folder / "out").symlink_to("/etc")
    subprocess.run(["git", "add", "out"], cwd=folder, check=True)
    subprocess.run(
        ["git", "-c", "user.name=A", "-c", "user.email=a@e", "commit", "-qm", "out"],
        cwd=folder,
        check=True,
    )
    error = fetcher.fails(f"file://{folder}#subdirectory=out")
    assert error.error_code == "subdirectory_not_found"


def test_submodules_come_along(fetcher: Fetcher, repository: Repository, git: Git) -> None:
    inner = repository({"inside": "1"}, "inner")
    outer = repository({"a": "1"}, "outer")
    git(outer, "submodule", "add", "--quiet", f"file://{inner}", "sub")
    git(outer, "commit", "-qm", "sub")
    assert (fetcher(outer).folder / "sub" / "inside").read_text() == "1"


@pytest.mark.parametrize(
    "link", ["ext::sh -c touch% {mark}", "--upload-pack=touch {mark}", "{file}"]
)
def test_a_submodule_of_a_server_cannot_run_a_program_nor_read_this_machine(
    fetcher: Fetcher,
    repository: Repository,
    git: Git,
    server: tuple[type[GitHandler], str],
    tmp_path: Path,
    link: str,
) -> None:
    mark = tmp_path / "mark"
    inner = repository({"inside": "secret"}, "inner")
    outer = repository({"a": "1"}, "outer")
    git(outer, "submodule", "add", "--quiet", f"file://{inner}", "sub")
    target = link.format(mark=mark, file=f"file://{inner}")
    (outer / ".gitmodules").write_text(f'[submodule "sub"]\n\tpath = sub\n\turl = {target}\n')
    git(outer, "add", "--all")
    git(outer, "commit", "-qm", "evil")

    error = fetcher.fails(f"{server[1]}/outer")

    assert error.error_code == "submodule_refused"
    assert not mark.exists()


def test_a_submodule_behind_a_link_touches_no_other_repository(
    fetcher: Fetcher, repository: Repository, git: Git, tmp_path: Path
) -> None:
    inner = repository({"inside": "1"}, "inner")
    victim = repository({"a": "1"}, "victim")
    git(victim, "submodule", "add", "--quiet", f"file://{inner}", "s")
    git(victim, "commit", "-qm", "sub")
    git(victim, "submodule", "deinit", "--force", "s")
    evil = repository({"a": "1"}, "evil")
    (evil / "lnk").symlink_to(victim)
    (evil / ".gitmodules").write_text(
        f'[submodule "s"]\n\tpath = lnk\n\turl = file://{inner}\n'
        f'[submodule "t"]\n\tpath = lnk/s\n\turl = file://{inner}\n'
    )
    git(evil, "add", "--all")
    git(evil, "commit", "-qm", "evil")
    fetcher(evil)
    assert list((victim / "s").iterdir()) == []


def test_nothing_of_a_repository_is_executed_by_fetching_it(
    fetcher: Fetcher, repository: Repository, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    folder = repository({".gitattributes": "* filter=evil diff=evil\n", "a": "1"})
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "post-checkout").write_text(f"#!/bin/sh\ntouch {mark}\n")
    (hooks / "post-checkout").chmod(0o755)
    subprocess.run(["git", "config", "core.fsmonitor", f"touch {mark}"], cwd=folder, check=True)
    fetcher(folder)
    assert not mark.exists()


def test_a_repository_that_is_too_large_is_given_up_and_its_space_released(
    fetcher: Fetcher, repository: Repository
) -> None:
    folder = repository({f"f{n}": os.urandom(2_000_000) for n in range(10)})
    fetcher.config.source_max_bytes = 1_000_000
    error = fetcher.fails(folder)
    assert error.error_code == "source_too_large"


def test_a_fetch_that_takes_too_long_is_given_up(fetcher: Fetcher, repository: Repository) -> None:
    fetcher.config.source_timeout_s = 0.0
    with_data = repository({"f": os.urandom(50_000_000)})
    assert fetcher.fails(with_data).error_code == "source_timeout"


def test_a_cancelled_fetch_leaves_nothing(fetcher: Fetcher, repository: Repository) -> None:
    folder = repository({"f": os.urandom(50_000_000)})
    fetcher.is_cancelled = True
    with pytest.raises(BuildCancelledError):
        fetcher(folder)
    assert not fetcher.into.exists()


def test_a_host_that_cannot_be_reached_is_said(fetcher: Fetcher) -> None:
    assert fetcher.fails("https://host.invalid/o/r").error_code == "source_unreachable"
    assert fetcher.fails("http://127.0.0.1:9/o/r").error_code == "source_unreachable"


@pytest.mark.parametrize("how", ["in the link", "as a setting"])
def test_a_private_repository_is_fetched_with_a_credential_that_shows_nowhere(
    fetcher: Fetcher, repository: Repository, server: tuple[type[GitHandler], str], how: str
) -> None:
    handler, link = server
    handler.password = "s3cret-token"
    repository({"a": "1"})
    if how == "in the link":
        checkout = fetcher(link.replace("//", "//ada:s3cret-token@") + "/frobnicate")
    else:
        fetcher.config.source_tokens = {"127.0.0.1": "s3cret-token"}
        checkout = fetcher(f"{link}/frobnicate")

    assert (checkout.folder / "a").exists()
    assert "s3cret" not in fetcher.told
    encoded = base64.b64encode(b"ada:s3cret-token")
    for path in fetcher.into.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        assert b"s3cret" not in content, path
        assert encoded not in content, path


@pytest.mark.parametrize("link", ["{}", "wrong:password@{}"])
def test_a_private_repository_without_a_credential_is_said_and_nobody_is_asked(
    fetcher: Fetcher, repository: Repository, server: tuple[type[GitHandler], str], link: str
) -> None:
    handler, base = server
    handler.password = "right"
    repository({"a": "1"})
    place = base.removeprefix("http://") + "/frobnicate"
    error = fetcher.fails("http://" + link.format(place))
    assert error.error_code == "source_auth"
    assert "password" not in f"{error} {fetcher.told}".replace("could not read Password", "")


def test_a_credential_is_not_given_to_another_host(
    fetcher: Fetcher, repository: Repository, server: tuple[type[GitHandler], str]
) -> None:
    handler, link = server
    repository({"a": "1"})
    asked: list[str] = []

    class Thief(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.headers.get("Authorization", ""))
            self.send_response(404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Thief) as thief:
        thread = threading.Thread(target=thief.serve_forever)
        thread.start()
        handler.redirect_to = f"http://127.0.0.1:{thief.server_port}"
        error = fetcher.fails(link.replace("//", "//ada:s3cret@") + "/frobnicate")
        thief.shutdown()
        thread.join()
    assert "".join(asked) == ""
    assert error.error_code == "source_redirect", error


def test_a_folder_is_copied_without_what_was_made_from_it(fetcher: Fetcher, tmp_path: Path) -> None:
    folder = tmp_path / "tool"
    for name in ("a.py", ".git/config", "node_modules/x", "env/pyvenv.cfg", "__pycache__/a.pyc"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    (folder / "out").symlink_to("/etc/passwd")
    (folder / "in").symlink_to("a.py")
    os.mkfifo(folder / "pipe")

    checkout = fetcher(str(folder))

    assert sorted(path.name for path in checkout.folder.iterdir()) == ["a.py", "in"]
    assert checkout.commit.startswith("sha256:")


def test_a_folder_has_another_digest_exactly_when_its_content_differs(
    fetcher: Fetcher, tmp_path: Path
) -> None:
    folder = tmp_path / "tool"
    folder.mkdir()
    digests = []
    for change in (
        lambda: (folder / "a").write_text("1"),
        lambda: os.utime(folder / "a", (1, 1)),
        lambda: (folder / "a").write_text("2"),
        lambda: (folder / "a").chmod(0o755),
        lambda: (folder / "a").rename(folder / "b"),
    ):
        change()
        fetcher.into = tmp_path / f"checkout{len(digests)}"
        digests.append(fetcher(str(folder)).commit)
    assert digests[0] == digests[1]
    assert len(set(digests)) == 4


def test_a_folder_that_is_missing_or_too_large_is_said(fetcher: Fetcher, tmp_path: Path) -> None:
    assert fetcher.fails(str(tmp_path / "missing")).error_code == "source_not_found"
    (tmp_path / "big").mkdir()
    (tmp_path / "big" / "f").write_bytes(b"x" * 1000)
    fetcher.config.source_max_bytes = 999
    assert fetcher.fails(str(tmp_path / "big")).error_code == "source_too_large"


@pytest.mark.registry
@pytest.mark.parametrize(
    ("link", "code"),
    [
        ("pypi:no-such-package-of-anybody-zq", "source_not_found"),
        ("pypi:six==99", "ref_not_found"),
        ("npm:no-such-package-of-anybody-zq", "source_not_found"),
        ("npm:cowsay@99", "source_not_found"),
    ],
)
def test_a_package_that_does_not_exist_is_said(fetcher: Fetcher, link: str, code: str) -> None:
    assert fetcher.fails(link).error_code == code


@pytest.mark.registry
@pytest.mark.parametrize(
    ("link", "version"),
    [
        ("pypi:six==1.16.0", "1.16.0"),
        ("npm:is-number@7.0.0", "7.0.0"),
        ("npm:cowsay@~1.5", "1.5.0"),
    ],
)
def test_the_version_of_a_package_is_known_before_it_is_built(
    fetcher: Fetcher, link: str, version: str
) -> None:
    assert fetcher(link).commit == version


def test_an_archive_that_cannot_be_reached_is_said(fetcher: Fetcher) -> None:
    assert fetcher.fails("doi:10.5281/zenodo.3232985").error_code == "source_unreachable"
