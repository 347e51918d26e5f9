"""Who asks: the principal of a request, by what the server's own authority says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..config import TooInstance
from ..errors import ForbiddenError
from ..records import Principal, User

_OF_ONE_USER = ("IdentityProvider", "PasswordIdentityProvider")


class Identities:
    """The principals of a server.

    Parameters
    ----------
    config
        The settings.
    provider
        Jupyter's identity provider.
    """

    def __init__(self, config: TooInstance, provider: object) -> None:
        self._config = config
        kind = type(provider)
        knows_one_user = (
            kind.__module__ == "jupyter_server.auth.identity" and kind.__name__ in _OF_ONE_USER
        )
        self.is_personal = config.identity == "system" or (
            config.identity == "auto" and knows_one_user
        )

    @property
    def takes_local_sources(self) -> bool:
        """Whether tools may come from folders of this machine."""
        allowed = self._config.local_sources
        return self.is_personal if allowed is None else allowed

    def principal(self, user: Any) -> Principal:
        """Return the principal that a user of Jupyter's identity provider is."""
        if self.is_personal:
            from ..client.local import operating_system_user

            principal = operating_system_user()
            return Principal(name=principal.name, is_admin=principal.name in self._config.admins)
        of_hub = getattr(user, "hub_user", None)
        told: Mapping[str, Any] = of_hub if isinstance(of_hub, Mapping) else {}
        name = str(user.username)
        if told.get("kind") == "service":
            # a service must not pass for the user of the same name
            name = f"service:{name}"
        elif name.startswith("service:"):
            # nor a user for a service
            raise ForbiddenError(f"{name!r} is no name of a user here.")
        email = getattr(user, "email", None) or told.get("email")
        groups = told.get("groups", getattr(user, "groups", None)) or ()
        return Principal(
            name=name,
            groups=frozenset(map(str, groups)),
            is_admin=name in self._config.admins or told.get("admin") is True,
            email=str(email) if email else (name if "@" in name else None),
        )


def seen(principal: Principal, user: Any) -> User:
    """Return how a principal is shown to others who share with it."""
    display_name = str(getattr(user, "display_name", "") or "")
    return User(
        name=principal.name,
        display_name="" if display_name == principal.name else display_name,
        email=principal.email,
        groups=tuple(sorted(principal.groups)),
    )
