"""What is kept for all servers: on disk, in memory, and in S3."""

from __future__ import annotations

import io
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tooinstance_jupyter.errors import OutputMissingError, OutputsUnavailableError
from tooinstance_jupyter.file_names import harmless_paths, object_name
from tooinstance_jupyter.store.blobs import Blobs, public_url


@pytest.fixture(params=["file", "memory", "s3"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    match request.param:
        case "file":
            return Blobs(f"file://{tmp_path}/blobs", {})
        case "memory":
            return Blobs(f"memory://{uuid.uuid4().hex}", {})
        case _:
            s3 = request.getfixturevalue("s3")
            return Blobs(s3.url, s3.options)


def put(blobs: Blobs, name: str, content: bytes) -> None:
    blobs.put(name, io.BytesIO(content), len(content))


def test_what_is_put_is_read_back_in_any_order(blobs: Blobs) -> None:
    content = bytes(range(256)) * 40_000
    put(blobs, "one/files/data", content)

    with blobs.open("one/files/data") as file, blobs.open("one/files/data") as other:
        assert other.read(3) == content[:3]
        file.seek(5_000_000)
        assert file.read(1_000) == content[5_000_000:5_001_000]
        file.seek(-10, io.SEEK_END)
        assert file.read() == content[-10:]
        file.seek(0)
        assert file.read() == content
        assert other.read(3) == content[3:6]
    assert blobs.sizes("one")["one/files/data"] == len(content)


@pytest.mark.parametrize(
    "path",
    ["a b+c&d=e?f#g%41.txt", "*[x]{y}", "ö/🦐/e\u0301", "-rf", "~/x", "a\nb\r\x1b[31m", "x" * 255],
)
def test_files_of_hostile_names_are_kept_apart_and_found_again(blobs: Blobs, path: str) -> None:
    put(blobs, f"one/files/{object_name(path)}", path.encode())
    put(blobs, f"one/files/{object_name(path + '2')}", b"another")

    assert blobs.open(f"one/files/{object_name(path)}").read() == path.encode()
    assert len(blobs.sizes("one")) == 2


def test_a_run_is_deleted_without_its_neighbours(blobs: Blobs) -> None:
    for name in ("one/stdout", "one/files/a/b", "one2/stdout"):
        put(blobs, name, b"x")

    blobs.delete("one")
    blobs.delete("one")

    assert blobs.sizes("one") == {}
    assert blobs.sizes("one2") == {"one2/stdout": 1}
    with pytest.raises(ValueError, match="at once"):
        blobs.delete("")


def test_a_missing_object_is_not_taken_for_a_failure(blobs: Blobs) -> None:
    assert blobs.sizes("none") == {}
    with pytest.raises(FileNotFoundError):
        blobs.open("none")


def test_a_file_that_grows_is_kept_to_its_size(blobs: Blobs) -> None:
    blobs.put("one/stdout", io.BytesIO(b"123456"), 3)
    assert blobs.open("one/stdout").read() == b"123"


def test_a_file_that_becomes_shorter_is_not_kept_in_silence(blobs: Blobs) -> None:
    with pytest.raises(OutputMissingError, match="3 of 6 bytes"):
        blobs.put("one/stdout", io.BytesIO(b"123"), 6)


def test_a_server_that_does_not_answer_is_said_in_words_and_is_back_later(s3: Any) -> None:
    blobs = Blobs(s3.url, s3.options)
    put(blobs, "one/stdout", b"x")
    reading = blobs.open("one/stdout")
    s3.stop()

    for attempt in (
        lambda: put(blobs, "one/stderr", b"x"),
        lambda: blobs.open("one/stdout"),
        lambda: blobs.sizes("one"),
        lambda: blobs.delete("one"),
        reading.read,
    ):
        with pytest.raises(OutputsUnavailableError, match="s3://bucket/tools") as caught:
            attempt()
        assert caught.value.error_code == "outputs_unavailable"
        assert caught.value.status == 503

    s3.start()
    put(blobs, "one/stderr", b"y")
    assert blobs.open("one/stderr").read() == b"y"


def test_credentials_are_in_no_message(s3: Any) -> None:
    options = {**s3.options, "secret": "wrong-and-hush"}
    with pytest.raises(OutputsUnavailableError) as caught:
        put(Blobs("s3://no-such-bucket/x", options), "one", b"x")
    assert "hush" not in str(caught.value)

    unknown = Blobs("no-such-protocol://ada:hush@example.org/x?token=hush", {"token": "hush"})
    with pytest.raises(OutputsUnavailableError) as caught:
        unknown.open("one")
    assert "hush" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_public_url_has_no_credentials() -> None:
    assert public_url("sftp://ada:hush@host:22/a/b/?token=hush#x") == "sftp://host:22/a/b"
    assert public_url("s3://bucket/tools/") == "s3://bucket/tools"
    assert public_url("file:///srv/tools") == "file:///srv/tools"
    assert public_url("/srv/tools/") == "/srv/tools"


def test_fsspec_is_not_imported_until_something_is_asked_for() -> None:
    code = (
        "import sys; from tooinstance_jupyter.store.blobs import Blobs; Blobs('s3://b/x', {});"
        "import tooinstance_jupyter.service.installation; print('fsspec' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "False", done.stderr


hostile_paths = st.lists(
    st.text(st.characters(exclude_characters="/\0"), min_size=1, max_size=60), min_size=1
).map("/".join)


@given(hostile_paths)
def test_an_object_name_is_plain_and_gives_the_path_back(path: str) -> None:
    name = object_name(path)

    assert name.isascii()
    assert len(name) <= 1_000 - len("/files/") - 32
    assert all(part not in ("", ".", "..") and len(part) <= 200 for part in name.split("/"))
    assert not set(name) - set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~%/"
    )
    if not name.startswith("~"):
        assert unquote(name, errors="surrogatepass") == path


@given(st.sets(hostile_paths, min_size=1))
def test_different_paths_have_different_names(paths: set[str]) -> None:
    assert len({object_name(path) for path in paths}) == len(paths)


@given(st.sets(st.one_of(hostile_paths, st.text(min_size=1)), min_size=1))
def test_harmless_paths_differ_and_stay_beneath_their_folder(paths: set[str]) -> None:
    made = harmless_paths(sorted(paths), reserved=["stdout"])

    assert "stdout" not in made
    for name in made:
        assert not set(name) & set("\\\n\r\x1b\0")
        assert all(part not in ("", ".", "..") and part[0] != "-" for part in name.split("/"))
        name.encode()


def test_harmless_paths_of_different_files_differ() -> None:
    paths = ["a\n", "a\r", "a_", "a\n/x", "stdout", "b\n/x", "b_"]
    assert harmless_paths(paths, reserved=["stdout"]) == [
        "a_",
        "a_-2",
        "a_-3",
        "a_/x",
        "stdout-2",
        "b_/x",
        "b_-2",
    ]
