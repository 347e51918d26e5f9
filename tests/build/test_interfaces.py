"""What a tool can be given is learned when it is built, and kept with the version."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tooinstance_jupyter.records import Interface, OptionKind, Version

from .conftest import Workshop

TOOL = """#!/bin/sh
case "$*" in
  --help) cat <<'END'
Usage: frobnicate [OPTIONS] COMMAND [ARGS]...

Options:
  -n, --count INTEGER  How often.  [default: 3]

Commands:
  go    Go somewhere.
  hang  Never answer.
  hide  Say nothing.
END
  ;;
  "go --help") cat <<'END'
Usage: frobnicate go [OPTIONS] PLACE

Options:
  --to DIR  Where to.
END
  ;;
  "hang --help") sleep 60 ;;
  "hide --help") exit 3 ;;
  *) echo "$@" ;;
esac
"""
PLAIN = "#!/bin/sh\necho hello\n"


def interface_of(workshop: Workshop, version: Version) -> Interface | None:
    assert version.status == "ready", version.message
    [owner] = [one for one in workshop.client.tools().items if one.tool.id == version.tool_id]
    ready = workshop.client.tool(owner.tool.name).ready
    assert ready is not None
    return ready.interface


@pytest.fixture
def source(repository: Callable[..., Path]) -> Path:
    return repository({"frobnicate": TOOL})


def test_the_options_of_a_tool_and_its_subcommands_are_kept(
    workshop: Workshop, source: Path
) -> None:
    started = time.monotonic()
    version = workshop.build(source)
    assert time.monotonic() - started < 60, "a subcommand that hangs held up the build"
    interface = interface_of(workshop, version)
    assert interface is not None
    [count] = interface.options
    assert (count.key, count.kind, count.default) == ("--count", OptionKind.INTEGER, "3")
    go, hang, hide = interface.subcommands
    assert [option.key for option in go.options] == ["--to"]
    assert [argument.metavar for argument in go.arguments] == ["PLACE"]
    assert (go.is_read, hang.is_read, hide.is_read) == (True, False, False)
    assert "Where to." not in workshop.log(version), "helps of subcommands are no part of the log"


def test_an_environment_that_is_used_again_has_its_interface_too(
    workshop: Workshop, source: Path
) -> None:
    first = interface_of(workshop, workshop.build(source))
    again = workshop.finish(workshop.client.build("frobnicate"))
    assert interface_of(workshop, again) == first
    other = workshop.build(source, name="other")
    assert interface_of(workshop, other) == first


def test_a_tool_that_explains_nothing_has_no_interface(
    workshop: Workshop, repository: Callable[..., Path]
) -> None:
    version = workshop.build(repository({"frobnicate": PLAIN}))
    assert interface_of(workshop, version) is None


def test_lists_do_not_hold_what_only_one_tool_is_asked_for(
    workshop: Workshop, source: Path
) -> None:
    version = workshop.build(source)
    [listed] = workshop.client.tools().items
    assert listed.ready is not None
    assert listed.ready.interface is None
    assert version.interface is None
    assert interface_of(workshop, version) is not None
