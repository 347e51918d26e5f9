"""Who may do what, as one table."""

from __future__ import annotations

import dataclasses

import pytest

from tooinstance_jupyter import access
from tooinstance_jupyter.records import (
    Principal,
    Run,
    Source,
    SourceKind,
    Tool,
    Visibility,
    now,
)

OWNER = Principal(name="ada")
INVITED = Principal(name="grace")
MEMBER = Principal(name="linus", groups=frozenset({"lab"}))
STRANGER = Principal(name="mallory", groups=frozenset({"other"}))
ADMIN = Principal(name="root", is_admin=True)

PRIVATE = Tool(
    owner="ada", name="t", source=Source(kind=SourceKind.GIT, location="https://e.example/t")
)
SHARED = dataclasses.replace(PRIVATE, access=("grace", "group:lab"))
PUBLIC = dataclasses.replace(PRIVATE, visibility=Visibility.PUBLIC)


@pytest.mark.parametrize(
    ("principal", "tool", "is_ready", "sees"),
    [
        (OWNER, PRIVATE, True, True),
        (OWNER, PRIVATE, False, True),
        (INVITED, PRIVATE, True, False),
        (MEMBER, PRIVATE, True, False),
        (STRANGER, PRIVATE, True, False),
        (ADMIN, PRIVATE, False, True),
        (INVITED, SHARED, True, True),
        (INVITED, SHARED, False, False),
        (MEMBER, SHARED, True, True),
        (STRANGER, SHARED, True, False),
        (STRANGER, PUBLIC, True, True),
        (STRANGER, PUBLIC, False, False),
    ],
)
def test_a_tool_is_seen_by_its_owner_and_once_ready_by_those_it_is_shared_with(
    principal: Principal, tool: Tool, is_ready: bool, sees: bool
) -> None:
    assert access.may_see_tool(principal, tool, is_ready=is_ready) is sees


@pytest.mark.parametrize("name", ["group:lab", " group:lab"])
def test_whoever_is_named_like_a_group_is_not_in_it(name: str) -> None:
    for poser in (Principal(name=name), Principal(name="mallory", email=name)):
        assert not access.may_see_tool(poser, SHARED, is_ready=True)


@pytest.mark.parametrize("principal", [INVITED, MEMBER, STRANGER])
def test_a_deleted_tool_does_not_exist_for_others(principal: Principal) -> None:
    deleted = dataclasses.replace(SHARED, visibility=Visibility.PUBLIC, deleted_at=now())
    assert not access.may_see_tool(principal, deleted, is_ready=True)


@pytest.mark.parametrize(
    ("principal", "may"), [(OWNER, True), (ADMIN, True), (INVITED, False), (STRANGER, False)]
)
def test_only_the_owner_and_administrators_change_a_tool(principal: Principal, may: bool) -> None:
    public = dataclasses.replace(SHARED, visibility=Visibility.PUBLIC)
    assert access.may_change_tool(principal, public) is may


@pytest.mark.parametrize(
    ("principal", "may"), [(INVITED, True), (ADMIN, True), (OWNER, False), (STRANGER, False)]
)
def test_a_run_belongs_to_whoever_ran_it_and_not_to_the_owner_of_the_tool(
    principal: Principal, may: bool
) -> None:
    run = Run(
        owner="grace",
        tool_id=PUBLIC.id,
        tool_name="ada/t",
        version_id=None,
        version_number=1,
        environment_id=None,
    )
    assert access.may_see_run(principal, run) is may
    assert access.may_change_run(principal, run) is may
