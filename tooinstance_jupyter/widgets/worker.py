"""The one thread of a panel: it carries out what is clicked, and looks at what goes on.

The kernel's main thread is never kept waiting, and no two things of a panel happen at once. What
is done and looked at is left to ``panel``.
"""

from __future__ import annotations

import contextvars
import queue
import threading
from collections.abc import Callable

Action = Callable[[], None]


class Worker:
    """A thread that works for one owner, who ends it.

    Parameters
    ----------
    refresh
        Looks at what goes on, after each action and when it is time; returns the seconds until it
        is time again.
    fail
        Is told what an action or a look raised; returns the same.
    """

    def __init__(self, refresh: Callable[[], float], fail: Callable[[Exception], float]) -> None:
        self._refresh = refresh
        self._fail = fail
        self._actions: queue.SimpleQueue[Action | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._is_closed = False

    def start(self) -> None:
        """Begin; what the thread displays belongs to the cell that is executed now."""
        context = contextvars.copy_context()
        self._thread = threading.Thread(
            target=context.run, args=(self._work,), name="tooinstance-panel", daemon=True
        )
        self._thread.start()

    def do(self, action: Action) -> None:
        """Carry out an action soon, in the order of asking."""
        self._actions.put(action)

    def close(self) -> None:
        """End the thread after what it does now; what is left is not done any more."""
        self._is_closed = True
        self._actions.put(None)

    def join(self, timeout_s: float) -> bool:
        """Wait for the thread's end; tell whether it has come."""
        if self._thread is None:
            return True
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _work(self) -> None:
        pause_s = 0.0
        while True:
            actions = self._next(pause_s)
            if None in actions:
                return
            pause_s = self._carry_out(actions)

    def _next(self, pause_s: float) -> list[Action | None]:
        """Return all that is asked for when something is, or nothing after a pause."""
        found: list[Action | None] = []
        try:
            found.append(self._actions.get(timeout=pause_s))
            while True:
                found.append(self._actions.get_nowait())
        except queue.Empty:
            return found

    def _carry_out(self, actions: list[Action | None]) -> float:
        try:
            for action in filter(None, actions):
                action()
            return 0.0 if self._is_closed else self._refresh()
        except Exception as error:  # noqa: BLE001 (the owner tells people; the thread lives on)
            return self._fail(error)
