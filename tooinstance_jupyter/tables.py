"""Python values as the items of a mapping, and what became of them as a data frame.

Without pandas it is a list of dictionaries. What the values are taken from is left to
``commands.mapping``, running a tool over them to ``mapping``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from .errors import InvalidValueError
from .mapping import MOST_ITEMS, MappedRun
from .placeholders import ITEM, is_missing

if TYPE_CHECKING:
    import pandas as pd

RESULT_COLUMNS = tuple(field.name for field in fields(MappedRun))
"""The columns that a result has beside those of its items."""

_EXAMPLES = "a list, a tuple, a set, a range, a dictionary, a Series or a data frame"


@dataclass(frozen=True, slots=True)
class Items:
    """What a tool is run over, in its order.

    Parameters
    ----------
    rows
        Each with its columns; those that are no rows of a table have the column ``item`` alone.
    columns
        The names of the columns.
    frame
        The data frame that they come from, whose index and types a result keeps.
    index
        The labels of a Series, the keys of a dictionary.
    """

    rows: Sequence[Mapping[str, object]]
    columns: Sequence[str] = (ITEM,)
    frame: pd.DataFrame | None = None
    index: Any = None


def items_of(value: object, name: str) -> Items:
    """Return what a Python value holds.

    Parameters
    ----------
    value
        A collection, a dictionary (whose values count), a pandas Series or data frame, or a list of
        dictionaries, which are rows.
    name
        What it is called, for people.

    Raises
    ------
    InvalidValueError
        If it holds no items or too many, or has a column that a result needs.
    """
    is_text = isinstance(value, (str, bytes, bytearray, memoryview, os.PathLike))
    if is_text or not isinstance(value, Collection):
        raise InvalidValueError(
            f"{name} holds no items; its type is {type(value).__name__}.",
            f"It can be {_EXAMPLES}; `list({name})` makes a list of what can be gone through.",
            code="items_invalid",
        )
    check_count(len(value))
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(value, pandas.DataFrame):
        return _items_of_frame(value, name)
    if pandas is not None and isinstance(value, pandas.Series):
        return replace(plain_items(value.tolist()), index=value.index)
    if isinstance(value, Mapping):
        return replace(plain_items(value.values()), index=list(value))
    values = value.tolist() if hasattr(value, "tolist") else list(value)
    if values and all(isinstance(one, Mapping) for one in values):
        return _items_of_records(values, name)
    return plain_items(values)


def check_count(count: int) -> None:
    """Raise if there are more items than a tool is run over."""
    if count > MOST_ITEMS:
        raise InvalidValueError(
            f"{count:,} items are more than the {MOST_ITEMS:,} that a tool is run over at once.",
            "Take a part of them, or give the tool a file with many of them in each run.",
            code="items_too_many",
        )


def plain_items(values: Iterable[object]) -> Items:
    """Return values as items, each alone."""
    return Items([{ITEM: value} for value in values])


def _items_of_frame(frame: pd.DataFrame, name: str) -> Items:
    columns = [str(column) for column in frame.columns]
    _check_columns(columns, name, f"`{name}.rename(columns=…)` makes another of it.")
    return Items(_records(frame), columns, frame)


def _items_of_records(records: Sequence[Mapping[str, object]], name: str) -> Items:
    columns = list(dict.fromkeys(str(column) for record in records for column in record))
    _check_columns(columns, name, "Give it another name.")
    rows = [
        {**dict.fromkeys(columns), **{str(column): value for column, value in record.items()}}
        for record in records
    ]
    return Items(rows, columns)


def _check_columns(columns: Sequence[str], name: str, hint: str) -> None:
    twice = sorted({column for column in columns if columns.count(column) > 1})
    if twice:
        raise InvalidValueError(f"{name} has the column {twice[0]!r} twice.", hint)
    taken = [column for column in columns if column in RESULT_COLUMNS]
    if taken:
        raise InvalidValueError(
            f"{name} has a column {taken[0]!r} already, which a result needs.",
            hint,
            code="column_taken",
        )


def earlier(value: object, name: str) -> tuple[Items, list[MappedRun]]:
    """Return the items of an earlier result, and what became of each.

    Raises
    ------
    InvalidValueError
        If it is no such result.
    """
    pandas = sys.modules.get("pandas")
    frame: Any = value if pandas is not None and isinstance(value, pandas.DataFrame) else None
    if frame is not None:
        is_result = set(RESULT_COLUMNS) <= set(frame.columns)
    else:
        is_result = isinstance(value, list) and bool(value) and all(map(_is_of_result, value))
    if not is_result:
        raise InvalidValueError(
            f"{name} is no result of `%tooi map`.",
            "`result = %tooi map …` gives one; `--retry result` runs again what did not succeed.",
            code="result_invalid",
        )
    records: list[Any] = value if isinstance(value, list) else _records(frame)
    ended = [_mapped_run(record) for record in records]
    if frame is not None:
        return _items_of_frame(frame.drop(columns=list(RESULT_COLUMNS)), name), ended
    own = [
        {column: field for column, field in record.items() if column not in RESULT_COLUMNS}
        for record in records
    ]
    return _items_of_records(own, name), ended


def _is_of_result(record: object) -> bool:
    return isinstance(record, Mapping) and set(RESULT_COLUMNS) <= set(record)


def _records(frame: pd.DataFrame) -> list[dict[str, object]]:
    columns = [str(column) for column in frame.columns]
    return [
        dict(zip(columns, row, strict=True)) for row in frame.itertuples(index=False, name=None)
    ]


def _mapped_run(record: Mapping[str, Any]) -> MappedRun:
    known = {
        column: None if is_missing(record[column]) else record[column] for column in RESULT_COLUMNS
    }
    return MappedRun(
        run=None if known["run"] is None else int(known["run"]),
        status=str(known["status"] or ""),
        exit_code=None if known["exit_code"] is None else int(known["exit_code"]),
        duration_s=None if known["duration_s"] is None else float(known["duration_s"]),
        stdout=None if known["stdout"] is None else str(known["stdout"]),
        message=str(known["message"] or ""),
        output_cut=str(known["output_cut"] or ""),
    )


def result_of(items: Items, ended: Sequence[MappedRun]) -> Any:
    """Return items with what became of them, as a data frame if there is pandas."""
    columns = {column: [getattr(one, column) for one in ended] for column in RESULT_COLUMNS}
    try:
        import pandas as pd
    except ImportError:
        return [
            {**row, **{column: columns[column][place] for column in RESULT_COLUMNS}}
            for place, row in enumerate(items.rows)
        ]
    if items.frame is not None:
        frame = items.frame.copy()
    else:
        own = {column: [row[column] for row in items.rows] for column in items.columns}
        index = range(len(items.rows)) if items.index is None else items.index
        frame = pd.DataFrame(
            {
                # of several types, such as 1 and None, all would become another
                column: pd.Series(values, index, dtype=None if _is_of_one_type(values) else object)
                for column, values in own.items()
            },
            index=index,
        )
    for column, values in columns.items():
        kind = {"run": "Int64", "exit_code": "Int64", "duration_s": "float64"}.get(column)
        frame[column] = pd.Series(values, index=frame.index, dtype=kind)
    return frame


def _is_of_one_type(values: Sequence[object]) -> bool:
    return len(set(map(type, values))) == 1
