"""Python values as items, and what became of them as a table that loses nothing of them."""

from __future__ import annotations

import sys
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tooinstance_jupyter.errors import InvalidValueError
from tooinstance_jupyter.mapping import MOST_ITEMS, MappedRun
from tooinstance_jupyter.placeholders import ITEM
from tooinstance_jupyter.tables import RESULT_COLUMNS, earlier, items_of, result_of

GOOD = MappedRun(
    run=7, status="succeeded", exit_code=0, duration_s=0.25, stdout="out", message="Succeeded"
)
FAILED = MappedRun(run=8, status="failed", exit_code=3, duration_s=0.5, message="Exit code 3")
NO_RUN = MappedRun(message="There is no value")


def values(value: object) -> list[object]:
    return [row[ITEM] for row in items_of(value, "x").rows]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (["a", "b c"], ["a", "b c"]),
        (("a", 1), ["a", 1]),
        (range(3), [0, 1, 2]),
        ({"only"}, ["only"]),
        (deque([1]), [1]),
        ({"k": "v", "l": "w"}, ["v", "w"]),
        ({"k": "v"}.keys(), ["k"]),
        (pd.Series(["a", "b"]), ["a", "b"]),
        (pd.Index([1, 2]), [1, 2]),
        (np.array([0.5, 2.0]), [0.5, 2.0]),
        ([Path("a.csv")], [Path("a.csv")]),
        ([], []),
    ],
)
def test_a_collection_holds_its_items_in_order(value: object, expected: list[object]) -> None:
    assert values(value) == expected


@pytest.mark.parametrize("value", ["text", b"bytes", 5, None, Path("x"), iter([1])])
def test_what_is_no_collection_is_refused(value: object) -> None:
    with pytest.raises(InvalidValueError, match=r"^x holds no items"):
        items_of(value, "x")


def test_more_items_than_a_tool_is_run_over_are_refused_before_they_are_gone_through() -> None:
    assert len(items_of(range(MOST_ITEMS), "x").rows) == MOST_ITEMS
    with pytest.raises(InvalidValueError, match="1,000,000,000,000 items are more than the 10,000"):
        items_of(range(10**12), "x")


def test_a_result_keeps_a_frames_columns_types_and_index() -> None:
    frame = pd.DataFrame(
        {"n": pd.array([1, None], dtype="Int8"), "when": pd.to_datetime(["2024-01-01"] * 2)},
        index=pd.Index(["x", "x"], name="key"),
    )
    before = frame.copy()
    result = result_of(items_of(frame, "frame"), [GOOD, NO_RUN])
    pd.testing.assert_frame_equal(frame, before)
    pd.testing.assert_frame_equal(result[["n", "when"]], before)
    assert list(result.columns) == ["n", "when", *RESULT_COLUMNS]
    assert result["run"].tolist() == [7, pd.NA]
    assert (result["exit_code"].dtype, result["duration_s"].dtype) == ("Int64", "float64")


def test_a_result_keeps_the_labels_of_a_series_and_the_keys_of_a_dictionary() -> None:
    for value in (pd.Series(["a", "b"], index=["k", "l"]), {"k": "a", "l": "b"}):
        result = result_of(items_of(value, "x"), [GOOD, FAILED])
        assert result.index.tolist() == ["k", "l"]
        assert result[ITEM].tolist() == ["a", "b"]


@given(
    st.lists(
        st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False),
        max_size=6,
    )
)
def test_items_go_through_a_result_unchanged(given_items: list[object]) -> None:
    result = result_of(items_of(given_items, "x"), [GOOD] * len(given_items))
    again, _ = earlier(result, "result")
    found = [row[ITEM] for row in again.rows]
    assert [str(one) for one in found] == [str(one) for one in given_items]


def test_an_earlier_result_tells_what_became_of_each() -> None:
    ended = [GOOD, FAILED, NO_RUN]
    result = result_of(items_of(["a", "b", "c"], "x"), ended)
    assert earlier(result, "result")[1] == ended
    frame = pd.DataFrame({"city": ["Lund", "Oslo", "Bergen"]}, index=[5, 6, 7])
    items, told = earlier(result_of(items_of(frame, "frame"), ended), "result")
    assert told == ended
    pd.testing.assert_frame_equal(result_of(items, told)[["city"]], frame)


@pytest.mark.parametrize("value", [[], [1], [{"item": 1}], pd.DataFrame({"item": [1]}), "x", 5])
def test_what_is_no_earlier_result_is_refused(value: object) -> None:
    with pytest.raises(InvalidValueError, match="no result of `%tooi map`"):
        earlier(value, "x")


def test_a_column_that_a_result_needs_is_not_overwritten() -> None:
    with pytest.raises(InvalidValueError, match="has a column 'status' already"):
        items_of(pd.DataFrame({"status": [1], "city": ["Lund"]}), "frame")


def test_without_pandas_a_result_is_a_list_of_dictionaries(monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    rows = [{"city": "Lund"}, {"city": "Oslo", "country": "Norway"}]
    result = result_of(items_of(rows, "rows"), [GOOD, FAILED])
    assert result[0] == {
        "city": "Lund", "country": None, "run": 7, "status": "succeeded", "exit_code": 0,
        "duration_s": 0.25, "stdout": "out", "message": "Succeeded", "output_cut": "",
    }  # fmt: skip
    items, ended = earlier(result, "result")
    assert (items.columns, ended) == (["city", "country"], [GOOD, FAILED])
