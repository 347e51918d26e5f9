"""Files, logs and links: parts, validators, names, and nothing that a browser would run."""

from __future__ import annotations

import io
import json
import os
import shutil
import zipfile

import httpx
import pytest

from tests.servers import Server
from tooinstance_jupyter.server.downloads import disposition, part

from .conftest import Person


def test_a_file_is_had_whole_in_parts_and_not_twice(ada: Person, written: int) -> None:
    path = f"runs/{written}/files/a.txt"
    whole = ada.ask("GET", path)
    assert (whole.status_code, whole.content) == (200, b"of a.txt\n")
    tag = whole.headers["ETag"]
    head = ada.ask("HEAD", path)
    assert (head.status_code, head.content, head.headers["Content-Length"]) == (200, b"", "9")
    some = ada.ask("GET", path, headers={"Range": "bytes=3-4"})
    assert (some.status_code, some.content) == (206, b"a.")
    assert some.headers["Content-Range"] == "bytes 3-4/9"
    last = ada.ask("GET", path, headers={"Range": "bytes=-5"})
    assert (last.status_code, last.content) == (206, b".txt\n")
    beyond = ada.ask("GET", path, headers={"Range": "bytes=9-"})
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, "bytes */9")
    known = ada.ask("GET", path, headers={"If-None-Match": tag})
    assert (known.status_code, known.content) == (304, b"")
    same = ada.ask("GET", path, headers={"Range": "bytes=0-1", "If-Range": tag})
    assert same.status_code == 206
    other = ada.ask("GET", path, headers={"Range": "bytes=0-1", "If-Range": '"x"'})
    assert (other.status_code, len(other.content)) == (200, 9)


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("bytes=0-", (0, 10)),
        ("bytes=5-100", (5, 10)),
        ("bytes=-100", (0, 10)),
        (None, None),
        ("bytes=", None),
        ("bytes=-", None),
        ("bytes=5-2", None),
        ("bytes=0-1,3-4", None),
        ("lines=0-1", None),
    ],
)
def test_a_range_that_cannot_be_read_asks_for_all(
    header: str | None, found: tuple[int, int] | None
) -> None:
    assert part(header, 10) == found


@pytest.mark.parametrize("name", ['a"\r\nX-Evil: 1', "ä\x00;b", "\udcff", "a/../b", ""])
def test_no_name_gets_out_of_its_header(name: str) -> None:
    told = disposition(name)
    assert told.isascii()
    assert told.isprintable()
    assert told.count('"') == 2


def test_what_a_browser_would_run_is_saved_instead(ada: Person) -> None:
    number = ada.run("page")
    ada.finished(number)
    answer = ada.ask("GET", f"runs/{number}/files/page.html")
    assert answer.content == b"<script>alert(1)</script>"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="page.html"')
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "path", ["..%2f..%2fstdout", "../stdin", "%2e%2e/stdout", "/etc/passwd", "c.txt", "%ff"]
)
def test_there_is_no_way_out_of_the_files_of_a_run(ada: Person, written: int, path: str) -> None:
    answer = ada.ask("GET", f"runs/{written}/files/{path}")
    assert answer.status_code in (404, 405), answer.text


def test_an_archive_holds_all(ada: Person, written: int) -> None:
    answer = ada.ask("GET", f"runs/{written}/archive")
    assert answer.headers["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert set(archive.namelist()) == {"a.txt", "b.txt", "stdout", "stderr"}
    assert ada.ask("GET", f"runs/{written}/archive?format=tar").content[257:262] == b"ustar"
    assert ada.ask("GET", f"runs/{written}/archive?format=rar").status_code == 422


def test_a_link_shows_one_run_until_it_is_revoked(
    ada: Person, grace: Person, written: int, server: Server
) -> None:
    made = ada.ask("POST", f"runs/{written}/links", json={"expires_in_s": 3600}).json()
    token = made["token"]
    assert grace.ask("GET", f"shared/{token}").json()["number"] == written
    assert grace.ask("GET", f"shared/{token}/files/b.txt").content == b"of b.txt\n"
    assert grace.ask("GET", f"shared/{token}/archive").status_code == 200
    beyond = grace.ask("GET", f"shared/{token}/stdout", headers={"Range": "bytes=99999999-"})
    assert beyond.status_code == 416
    page = grace.ask("GET", f"{server.url}tooinstance/shared/{token}")
    assert page.status_code == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "<script" not in page.text
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    # no more than that
    assert grace.ask("GET", f"runs/{written}").status_code == 404
    assert grace.ask("GET", f"runs/{written}/links").status_code == 404
    assert httpx.get(f"{server.api}/shared/{token}").status_code == 403
    unknown = grace.ask("GET", "shared/nothing")
    assert ada.ask("DELETE", f"links/{made['link']['id']}").status_code == 204
    revoked = grace.ask("GET", f"shared/{token}")
    assert (revoked.status_code, revoked.text) == (unknown.status_code, unknown.text)
    assert grace.ask("GET", f"{server.url}tooinstance/shared/{token}").status_code == 404
    # whoever reads the log cannot use it
    assert "shared/[secret]/stdout" in server.log
    assert token not in server.log


def test_several_runs_and_tools_are_exported_as_one(ada: Person, written: int) -> None:
    other = ada.run("args", "other")
    ada.finished(other)
    answer = ada.ask("GET", f"export?subjects={written},{other},{written},probe&format=zip")
    assert answer.status_code == 200
    assert f"probe-runs-{written}-{other}.zip" in answer.headers["Content-Disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        told = json.loads(archive.read("tooinstance.json"))
    assert [run["number"] for run in told["runs"]] == [written, other]
    assert [tool["name"] for tool in told["tools"]] == ["probe"]


@pytest.mark.parametrize(
    ("subjects", "status"),
    [("", 422), (",", 422), ("1," * 101, 422), ("999999", 404), ("nothing", 404), ("9" * 500, 404)],
)
def test_what_cannot_be_exported_is_refused(ada: Person, subjects: str, status: int) -> None:
    answer = ada.ask("GET", "export", params={"subjects": subjects})
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["message"]


def test_a_run_whose_folder_was_deleted_has_a_status_of_its_own(ada: Person) -> None:
    number = ada.run("write", "a.txt")
    spoken = ada.run("hello")
    for one in (number, spoken):
        run = ada.finished(one)
        shutil.rmtree(ada.server.home / "runs" / run["id"])
    for path in (
        f"runs/{number}/files/a.txt",
        f"runs/{number}/archive?format=tar",
        f"runs/{spoken}/stdout",
        f"runs/{spoken}/events",
        f"runs/{spoken}/export?format=zip",
    ):
        answer = ada.ask("GET", path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (410, "output_missing"), path
    assert ada.ask("HEAD", f"runs/{spoken}/stdout").status_code == 410
    assert ada.ask("GET", f"runs/{number}/stdout").content == b"", "nothing was ever written there"
    assert ada.ask("DELETE", f"runs/{number}").status_code == 204


@pytest.mark.parametrize("format_", ["zip", "tar"])
def test_a_download_that_cannot_be_ended_breaks_off(ada: Person, format_: str) -> None:
    number = ada.run("large")
    run = ada.finished(number)
    large = ada.server.home / "runs" / run["id"] / "work" / "large"
    size = large.stat().st_size

    def download(path: str) -> int:
        received = 0
        with ada.http.stream("GET", path) as answer:
            assert answer.status_code == 200
            for chunk in answer.iter_raw():
                received += len(chunk)
                if received > 2**20:  # the file is under way, and far from its end
                    os.truncate(large, 100)
        return received

    with pytest.raises(httpx.RemoteProtocolError):
        download(f"runs/{number}/archive?format={format_}")
    os.truncate(large, size)
    with pytest.raises(httpx.RemoteProtocolError):
        download(f"runs/{number}/files/large")
