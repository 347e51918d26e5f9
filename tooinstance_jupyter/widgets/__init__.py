"""Panels that steer tools and runs from a notebook; what is saved is left to ``display``.

A panel never holds a result: it updates the MIME bundle that stays in the notebook, and the runs
that it starts go on without it.
"""

from .create_form import CreateForm
from .dashboard import Dashboard
from .panel import Panel
from .run_form import RunForm
from .runs_table import RunsTable
from .tool_actions import ToolActions

__all__ = ["CreateForm", "Dashboard", "Panel", "RunForm", "RunsTable", "ToolActions"]
