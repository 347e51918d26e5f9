"""What an older release wrote is kept when the schema grows."""

from __future__ import annotations

import json
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text

from tooinstance_jupyter.records import Environment, Principal, Source, SourceKind, Tool
from tooinstance_jupyter.store import database, schema
from tooinstance_jupyter.store.repository import Store


def test_tools_versions_and_environments_of_the_first_schema_can_be_read(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'old.sqlite'}"
    engine = create_engine(url)
    with engine.begin() as connection:
        config = Config()
        config.set_main_option(
            "script_location", str(Path(database.__file__).parent / "migrations")
        )
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(
            text(
                "INSERT INTO tools (id, owner, name, source, output, visibility, access, "
                "description, created_at, updated_at) VALUES ('1', 'ada', 'frob', :source, "
                "'stdout', 'private', '[]', '', '2026-01-01', '2026-01-01')"
            ),
            {"source": json.dumps({"kind": "pypi", "location": "frob"})},
        )
        connection.execute(
            text(
                "INSERT INTO environments (id, engine, location, 'commit', recipe_hash, path, "
                "variables, readable, size_bytes, created_at, last_used_at) VALUES ('e', "
                "'process', '/e', 'c', 'r', '[]', '{}', '[]', 1, '2026-01-01', '2026-01-01')"
            )
        )
        connection.execute(
            text(
                "INSERT INTO versions (id, tool_id, number, source, engine, status, message, "
                "steps_done, steps_total, command, candidates, notes, created_at) VALUES ('v', "
                "'1', 1, :source, 'process', 'ready', '', 0, 0, '[]', '[]', '[]', '2026-01-01')"
            ),
            {"source": json.dumps({"kind": "pypi", "location": "frob"})},
        )
    engine.dispose()
    store = Store(url)
    try:
        tool = store.get_tool("1")
        assert isinstance(tool, Tool)
        assert tool.source == Source(kind=SourceKind.PYPI, location="frob")
        assert tool.build_arguments == {}
        environment = store.get_environment("e")
        assert isinstance(environment, Environment)
        assert environment.workdir == ""
        assert store.get_version("v") is not None
        assert store.interface_of("v") is None
    finally:
        store.close()


def test_the_migrations_lead_to_the_schema(store: Store, url: str) -> None:
    engine = create_engine(url)

    def is_ours(name: str | None, kind: str, _: object) -> bool:
        return kind != "table" or not str(name).startswith(("run_search", "tool_search"))

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_name": is_ours})
        assert compare_metadata(context, schema.metadata) == []
    engine.dispose()


def test_runs_of_an_older_schema_say_what_of_them_was_cut(url: str, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()  # of the database that is a file
    engine = create_engine(url)
    with engine.begin() as connection:
        config = Config()
        config.set_main_option(
            "script_location", str(Path(database.__file__).parent / "migrations")
        )
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")
        for number in range(1, 121):
            stdout = {"total_bytes": 9_000, "kept_bytes": 1_000 if number == 1 else 9_000}
            skipped = {119: "a symbolic link", 120: "beyond the size that is kept of a run"}
            files = [{"path": "f", "size_bytes": 1, "skipped": skipped.get(number)}]
            connection.execute(
                text(
                    "INSERT INTO runs (number, id, owner, tool_name, version_number, arguments, "
                    "command, label, inputs, variables, secrets, limits, engine, isolation, "
                    "output, status, message, stdout, stderr, files, created_at) VALUES "
                    "(:number, :id, 'ada', 'ada/frob', 1, '[]', '[]', '', '[]', '{}', '[]', "
                    "'{}', 'process', '', 'stdout', 'succeeded', 'Done', :stdout, '{}', :files, "
                    "'2026-01-01')"
                ),
                {
                    "number": number,
                    "id": f"{number:032}",
                    "stdout": json.dumps(stdout),
                    "files": json.dumps(files),
                },
            )
    engine.dispose()
    store = Store(url)
    try:
        runs = store.list_runs(principal=Principal(name="ada"), limit=200).items
        assert {run.number: run.cut for run in runs if run.cut} == {
            1: "stdout cut at 1,000 of 9,000 bytes",
            120: "1 file not kept",
        }
    finally:
        store.close()
