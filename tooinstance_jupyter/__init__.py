"""TooInstance for Jupyter: git links become command-line tools that run from a notebook.

This module stays light: it names the version and the extension points of IPython, of Jupyter
Server and of JupyterLab, and imports the rest when it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__version__ = "0.1.0"


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register ``%tooi`` and ``%%tooi`` (called by ``%load_ext tooinstance_jupyter``)."""
    from .magics import register

    register(shell)


def _jupyter_server_extension_points() -> list[dict[str, object]]:
    """Tell Jupyter Server what to load."""
    from .server.extension import TooInstanceExtension

    return [{"module": "tooinstance_jupyter", "app": TooInstanceExtension}]


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    """Tell JupyterLab where the built front end is (``jupyter labextension develop``)."""
    return [{"src": "labextension", "dest": "tooinstance-jupyter"}]
