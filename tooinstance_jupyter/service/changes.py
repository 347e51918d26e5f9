"""The use case of hearing of changes: whoever listens is told what it may see, in order.

Where changes come from, whichever process made them, is left to ``store``.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass

from .. import access
from ..records import Change, Principal
from ..store.repository import Store

_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Changes:
    """What changes in an installation, as one principal after another asks for it."""

    store: Store

    def follow(self, principal: Principal, *, after: int | None = None) -> Iterator[Change]:
        """Yield what a principal may see of the changes after one, or from now on; endless."""
        seen = self.store.last_change() if after is None else after
        pause = threading.Event()
        while True:
            found = self.store.changes_after(seen)
            for change in found:
                seen = change.id
                if access.may_see_change(principal, change):
                    yield change
            if not found:
                pause.wait(_POLL_S)
