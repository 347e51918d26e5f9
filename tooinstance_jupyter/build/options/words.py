"""The words by which helps say what a value is, and the phrases that tell its choices."""

from __future__ import annotations

from ...records import OptionKind


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


KINDS = (
    (OptionKind.FOLDER, _words("DIR DIRS DIRECTORY DIRECTORIES DIRNAME FOLDER FOLDERS")),
    (
        OptionKind.FILE,
        _words("FILE FILES FILENAME FILENAMES FILEPATH INFILE OUTFILE PATH PATHS"),
    ),
    (
        OptionKind.INTEGER,
        _words(
            "INT INTS INTEGER INT8 INT16 INT32 INT64 UINT UINT8 UINT16 UINT32 UINT64 N NUM COUNT"
            " PORT LINES DEPTH DIGITS COLS WIDTH HEIGHT PID"
        ),
    ),
    (OptionKind.NUMBER, _words("FLOAT FLOAT32 FLOAT64 DOUBLE DECIMAL NUMBER SEC SECS SECONDS")),
)
PLACES = (OptionKind.FILE, OptionKind.FOLDER)
TEXTS = _words("STRING STR TEXT")
FLAGS = _words("BOOL BOOLEAN")
MANY = _words("STRINGS STRINGARRAY STRINGSLICE STRINGTOSTRING INTS ARRAY FILES DIRS PATHS")
TAGS = {
    "[string]": OptionKind.TEXT,
    "[number]": OptionKind.NUMBER,
    "[array]": OptionKind.TEXT,
}
"""What yargs puts at the end of a help."""

PLACEHOLDERS = _words(
    "address bytes data date dir directory dur duration env expr file filename float folder glob"
    " host id int integer ip key list name num number path pattern port regex seconds size str"
    " string text time uri url user value values var"
)
"""What stands between bars and is meant to be replaced, not typed."""

SWITCHED = _words("true false yes no on off enabled disabled")
NO_DEFAULT = _words(
    "the a an it your use using current none null nil undefined be [] {} stdin stdout"
)
