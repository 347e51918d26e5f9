"""Holds pipes open while there is no keeper: one that nobody has open forgets what is in it.

Run as ``python -I -S holder.py LOCK`` with a line ``+PATH`` or ``-PATH`` on standard input for each
pipe. When that ends, the keeper has died: this waits until another one holds the lock and has had
the time to open the pipes itself, or until there is nothing left to hold.
"""

import fcntl
import os
import sys
import time

AGAIN_S = 0.5
TAKEN_OVER_S = 30.0
GIVE_UP_S = 24 * 3600.0


def main() -> int:
    held: dict[str, int] = {}
    for line in sys.stdin:
        path = line[1:].rstrip("\n")
        if line.startswith("-"):
            end = held.pop(path, None)
            if end is not None:
                os.close(end)
            continue
        try:
            held[path] = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        except OSError:
            continue  # its run was over before it came to this
    until = time.monotonic() + GIVE_UP_S
    while time.monotonic() < until and any(os.path.exists(path) for path in held):
        if is_locked(sys.argv[1]):
            time.sleep(TAKEN_OVER_S)
            break
        time.sleep(AGAIN_S)
    return 0


def is_locked(path: str) -> bool:
    try:
        with open(path, encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


if __name__ == "__main__":
    sys.exit(main())
