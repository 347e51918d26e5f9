"""The use cases of sharing: runs with people or by a link, and the users that lists may name.

Access lists of tools are changed in ``tools``.
"""

from __future__ import annotations

import dataclasses
import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from .. import access
from ..config import TooInstance
from ..errors import InvalidValueError, NotFoundError
from ..records import Link, Principal, Run, User, now
from ..requests import NewLink, RunChanges
from ..store.repository import Store
from .runs import Runs
from .tools import access_list

_MAX_LABEL_CHARS = 1_000
_SEEN_AGAIN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Sharing:
    """What people let each other see, as one principal after another asks for it."""

    config: TooInstance
    store: Store
    runs: Runs
    _seen: dict[str, User] = field(default_factory=dict)

    def update_run(self, principal: Principal, number: int, changes: RunChanges) -> Run:
        """Change a run's label, whom it is shared with, and whether it is kept for ever."""
        run = self.runs.owned(principal, number)
        given = {
            item.name: value
            for item in dataclasses.fields(changes)
            if (value := getattr(changes, item.name)) is not None
        }
        if "access" in given:
            given["access"] = access_list(given["access"])
        if len(given.get("label", "")) > _MAX_LABEL_CHARS:
            raise InvalidValueError(
                f"The label has {len(given['label']):,} characters.",
                f"At most {_MAX_LABEL_CHARS:,} are kept.",
            )
        return self.store.update_run(run.number, given)

    def create_link(
        self, principal: Principal, number: int, *, expires_in_s: float | None = None
    ) -> NewLink:
        """Make a link by which whoever has it sees a run, for as long as is allowed or shorter."""
        run = self.runs.owned(principal, number)
        most = self.config.link_max_days * 86_400
        seconds = most if expires_in_s is None else expires_in_s
        if not 0 < seconds <= most:
            raise InvalidValueError(
                f"A link cannot last {seconds:g} s.",
                f"More than nothing and at most {self.config.link_max_days:g} days.",
                code="expiry_invalid",
            )
        token = secrets.token_urlsafe(32)
        link = Link(
            run_number=run.number,
            owner=principal.name,
            expires_at=now() + timedelta(seconds=seconds),
        )
        self.store.add_link(link, _digest(token))
        return NewLink(link=link, token=token)

    def links(self, principal: Principal, number: int) -> Sequence[Link]:
        """Return the links to a run, newest first, expired and revoked ones too."""
        return self.store.list_links(self.runs.owned(principal, number).number)

    def revoke_link(self, principal: Principal, link_id: str) -> None:
        """Make a link good for nothing."""
        link = self.store.get_link(link_id)
        if link is None or not access.may_change_link(principal, link):
            raise NotFoundError(f"There is no link {link_id!r}.")
        self.store.revoke_link(link.id, now())

    def run_of_link(self, token: str) -> Run:
        """Return the run that a link leads to.

        Raises
        ------
        NotFoundError
            If there is no such link, or none any more: nobody can tell which.
        """
        link = self.store.find_link(_digest(token))
        if link is None or link.revoked_at is not None or link.expires_at <= now():
            raise NotFoundError(
                "This link leads nowhere.", "It may have expired: ask for another one."
            )
        run = self.store.get_run(link.run_number)
        if run is None:
            raise NotFoundError("This link leads nowhere.", "The run was deleted.")
        return run

    def meet(self, user: User) -> None:
        """Note that a user is here, so that others can name them."""
        known = self._seen.get(user.name)
        is_the_same = known is not None and user == dataclasses.replace(
            known, last_seen_at=user.last_seen_at
        )
        if known is None or not is_the_same or user.last_seen_at - known.last_seen_at > _SEEN_AGAIN:
            self.store.put_user(user)
            self._seen[user.name] = user

    def users(self, text: str, limit: int) -> Sequence[User]:
        """Return known users whose name or e-mail address begins with a text."""
        return self.store.find_users(text.strip(), max(1, min(limit, 100)))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
