"""Fixtures of the attacks: real builds, in homes of their own."""

from __future__ import annotations

from tests.build.conftest import config, git, repository, workshop

__all__ = ["config", "git", "repository", "workshop"]
