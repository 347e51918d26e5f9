"""How tools, runs and lists are shown: each as one MIME bundle of text, HTML and JSON.

Bundles are what is left in a saved notebook, so nothing in them needs this package or a script.
"""

from .comparisons import comparison_bundle
from .excerpts import Excerpt, RunOutput
from .mapping import mapping_bundle, progress_line
from .runs import render_run, run_bundle, run_mark, runs_bundle
from .tools import (
    error_bundle,
    removals_bundle,
    tool_bundle,
    tool_mark,
    tools_bundle,
    version_bundle,
)

__all__ = [
    "Excerpt",
    "RunOutput",
    "comparison_bundle",
    "error_bundle",
    "mapping_bundle",
    "progress_line",
    "removals_bundle",
    "render_run",
    "run_bundle",
    "run_mark",
    "runs_bundle",
    "tool_bundle",
    "tool_mark",
    "tools_bundle",
    "version_bundle",
]
