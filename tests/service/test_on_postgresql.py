"""The use cases on PostgreSQL, of two homes that share one database."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.postgresql import PostgreSQL
from tooinstance_jupyter.client.local import LocalClient
from tooinstance_jupyter.config import TooInstance
from tooinstance_jupyter.records import Principal, RunStatus, Version, VersionStatus
from tooinstance_jupyter.requests import NewRun, RunFilter


@pytest.fixture
def config(tmp_path: Path, postgres: PostgreSQL) -> TooInstance:
    return TooInstance(
        home=str(tmp_path / "home"), database_url=postgres(), cancel_grace_s=0.2, engine="process"
    )


def test_a_tool_is_made_run_listed_and_found_also_from_another_home(
    client: LocalClient, probe: Version, config: TooInstance, tmp_path: Path
) -> None:
    assert probe.status is VersionStatus.READY
    begun = client.run(NewRun(tool="probe", arguments=["écrit", "a b"]))
    run = client.wait(begun.number, 60)
    assert (run.number, run.status) == (1, RunStatus.SUCCEEDED)
    assert client.read_output(1, "stdout") == "écrit a b\n".encode()

    elsewhere = TooInstance(home=str(tmp_path / "elsewhere"), database_url=config.database_url)
    other = LocalClient(elsewhere, Principal(name="ada"))
    try:
        assert [found.tool.name for found in other.tools().items] == ["probe"]
        assert [found.tool.name for found in other.tools(text="prob").items] == ["probe"]
        assert [found.number for found in other.runs(RunFilter(text="écrit")).items] == [1]
        changes = other.changes(after=0)
        assert [next(changes).id for _ in range(3)] == [1, 2, 3]
    finally:
        other.close()
