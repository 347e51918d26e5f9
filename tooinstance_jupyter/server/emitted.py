"""Changes as events of Jupyter's own event system, for whoever collects those."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..records import Change, ChangeKind

_SCHEMA = "https://schema.tooinstance.org/jupyter/{}/v1"


class Emitter:
    """What emits changes.

    Parameters
    ----------
    logger
        Jupyter's event logger.
    """

    def __init__(self, logger: Any) -> None:
        self._logger = logger
        for kind in ChangeKind:
            logger.register_event_schema(Path(__file__).parent / "events" / f"{kind.value}.yaml")

    def emit(self, change: Change) -> None:
        """Emit a change: ids and names, nothing of what it is about."""
        self._logger.emit(
            schema_id=_SCHEMA.format(change.kind.value),
            data={
                "id": change.id,
                "action": change.action,
                "subject": change.subject,
                "tool_id": change.tool_id,
                "owner": change.owner,
            },
        )
