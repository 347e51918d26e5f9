"""Passages: output that is not kept, between a run's guardian and its reader."""

from __future__ import annotations

from pathlib import Path

import pytest

from tooinstance_jupyter.errors import MissedError
from tooinstance_jupyter.passing import Passing
from tooinstance_jupyter.sandbox import guardian
from tooinstance_jupyter.sandbox.guardian import Passage, Stream

KEPT_BYTES = 10


@pytest.fixture
def stream(tmp_path: Path) -> Stream:
    """A stream of which little is kept, with a passage."""
    Passing.prepare(tmp_path)
    passage = Passage(str(tmp_path / guardian.PASSAGE))
    return Stream(str(tmp_path / "stdout"), KEPT_BYTES, [], passage)


def passage_of(stream: Stream) -> Passage:
    assert stream._passage is not None
    return stream._passage


def test_what_was_read_can_be_read_again_as_far_as_it_lags(stream: Stream, tmp_path: Path) -> None:
    segment = bytes(guardian.SEGMENT_BYTES)
    for _ in range(4):
        stream.take(segment)
    reader = Passing(tmp_path, lag_bytes=guardian.SEGMENT_BYTES)
    place = KEPT_BYTES
    while data := reader.read("stdout", place, 2**20):
        place += len(data)
    reader.close()
    assert place == stream.total == 4 * guardian.SEGMENT_BYTES
    again = Passing(tmp_path)
    assert again.read("stdout", place - guardian.SEGMENT_BYTES // 2, 10) == bytes(10)
    with pytest.raises(MissedError):
        again.read("stdout", KEPT_BYTES, 10)
    again.close()


def test_a_passage_that_is_removed_ends_and_the_run_goes_on(stream: Stream, tmp_path: Path) -> None:
    stream.take(bytes(100))
    Passing.forget(tmp_path)
    stream.take(bytes(2 * guardian.SEGMENT_BYTES))
    assert not passage_of(stream).is_open
    assert stream.has_room()
    assert (stream.kept, stream.total) == (KEPT_BYTES, 100 + 2 * guardian.SEGMENT_BYTES)


def test_a_reader_is_not_waited_for_endlessly(
    stream: Stream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream.take(bytes(100))
    passage = passage_of(stream)
    reader = Passing(tmp_path)
    assert not passage.is_over({"stdout": 100}, patience_s=3600)
    late = guardian.time.monotonic() + 3601
    monkeypatch.setattr(guardian.time, "monotonic", lambda: late)
    assert passage.is_over({"stdout": 100}, patience_s=3600)
    passage.close()
    reader.close()
    assert not (tmp_path / guardian.PASSAGE).exists()


def test_a_passage_that_is_read_to_its_end_is_gone(stream: Stream, tmp_path: Path) -> None:
    stream.take(bytes(100))
    reader = Passing(tmp_path)
    reader.release({"stdout": 100})
    assert not passage_of(stream).is_over({"stdout": 100}, patience_s=60)
    reader.release({"stdout": 99})
    assert not passage_of(stream).is_over({"stdout": 100}, patience_s=60)
    reader.release({"stdout": 100})
    assert passage_of(stream).is_over({"stdout": 100}, patience_s=60)
    reader.close()
    assert list(tmp_path.iterdir()) == [tmp_path / "stdout"]
