"""How an installation is: what answers, what does not, and how much there is to do."""

from __future__ import annotations

from collections.abc import Mapping

from ..containers import daemon
from ..errors import TooInstanceError
from .builds import Builds
from .engines import Engines
from .queue import RunLine
from .room import Room


def health(engines: Engines, room: Room, line: RunLine, builds: Builds) -> Mapping[str, object]:
    """Return the state of an installation; raises nothing.

    Returns
    -------
    mapping
        ``status`` (``ok`` or ``degraded``), ``engine``, ``engine_message`` (why it does not
        answer, or why it was chosen), ``database`` and ``disk`` (``ok`` or what is wrong),
        ``disk_free_percent``, and how many runs are ``queued`` and ``running`` and how many builds
        are ``waiting_builds`` and ``building``, ``None`` where that cannot be told.
    """
    told: dict[str, object] = {"status": "ok"}
    try:
        choice = engines.choose()
        away = daemon.problem() if choice.name == "docker" else None
        problem = (str(away) if away else "") or line.away.get(choice.name)
        why = f"{choice.why}. {choice.hint}" if choice.hint else choice.why
        told |= {"engine": choice.name, "engine_message": problem or why}
        told["status"] = "degraded" if problem else "ok"
        engines(choice.name)
    except (TooInstanceError, OSError) as error:
        told |= {"status": "degraded", "engine": "", "engine_message": _words(error)}
    counts: dict[str, object] = dict.fromkeys(("queued", "running", "waiting_builds", "building"))
    try:
        runs, making = line.read(), builds.line()
        counts = {
            "queued": runs.queued.total(),
            "running": runs.under_way.total(),
            "waiting_builds": making.queued.total(),
            "building": making.under_way.total(),
        }
        told["database"] = "ok"
    except (TooInstanceError, OSError) as error:
        told |= {"status": "degraded", "database": _words(error)}
    try:
        told["disk_free_percent"] = round(room.free_percent(), 1)
        room.check()
        told["disk"] = "ok"
    except (TooInstanceError, OSError) as error:
        told |= {"status": "degraded", "disk": _words(error)}
        told.setdefault("disk_free_percent", None)
    return told | counts


def _words(error: Exception) -> str:
    return error.message if isinstance(error, TooInstanceError) else str(error)
