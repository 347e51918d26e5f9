"""A store of its own for each test, on each kind of database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgresql import PostgreSQL
from tooinstance_jupyter.store.repository import Store


@pytest.fixture(scope="session")
def shared(postgres: PostgreSQL) -> str:
    """The URL of a database on PostgreSQL, with our tables; a new one takes longer."""
    url = postgres()
    Store(url).close()
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database; fresh, or at least empty for a test with a store."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'home' / 'tooinstance.sqlite'}"
    postgres: PostgreSQL = request.getfixturevalue("postgres")
    if "store" not in request.fixturenames:
        return postgres()
    shared: str = request.getfixturevalue("shared")
    postgres.empty(shared)
    return shared


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = Store(url)
    yield store
    store.close()
