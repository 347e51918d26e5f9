"""The input files of a run: paths of this machine, and files that the browser uploads.

That they are regular and have names of their own is checked by the client.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from ..commands import inputs
from ..display.markup import size
from ..file_names import harmless_name
from ..terminal import visible
from . import controls


class FileInputs:
    """A field for paths, and a button to upload.

    Parameters
    ----------
    given
        The files to begin with.
    react
        Called when there are other ones.
    """

    def __init__(self, given: Iterable[Path], react: Callable[[], None]) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="tooi-upload-")
        self._paths = controls.lines(
            "\n".join(map(str, given)), placeholder="paths or globs, one a line"
        )
        self._upload = controls.upload()
        self._uploaded = controls.html()
        self.box = controls.column(
            controls.labelled(
                "Input files",
                self._paths,
                "The tool finds them under their names in its working directory.",
            ),
            controls.row(self._upload, self._uploaded),
        )
        controls.on_value(self._paths, react)
        controls.on_value(self._upload, self._take)
        self._react = react

    def files(self) -> list[Path]:
        """Return the files.

        Raises
        ------
        InvalidValueError
            If there is none at one of the paths.
        """
        return [*inputs.files(filter(None, map(str.strip, self._lines))), *self._kept()]

    def names(self) -> list[str]:
        """Return what the tool will know them by, as far as paths name them."""
        typed = [Path(line.strip()).name for line in self._lines if not set("*?[") & set(line)]
        return list(dict.fromkeys([*filter(None, typed), *(path.name for path in self._kept())]))

    def close(self) -> None:
        """Remove what was uploaded."""
        self._folder.cleanup()

    @property
    def _lines(self) -> list[str]:
        return str(self._paths.value).split("\n")

    def _kept(self) -> list[Path]:
        return sorted(Path(self._folder.name).iterdir())

    def _take(self) -> None:
        for file in self._upload.value:
            # a browser's file name is as good as anybody's text
            Path(self._folder.name, harmless_name(str(file["name"]))).write_bytes(file["content"])
        shown = ", ".join(f"{path.name} ({size(path.stat().st_size)})" for path in self._kept())
        controls.set_html(self._uploaded, controls.help_markup(visible(shown)))
        self._react()
