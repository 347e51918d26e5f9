"""The OpenAPI document and the handlers: each is what the other says."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from requests import Session

from tooinstance_jupyter.server.routes import ROUTES, Kind

from .conftest import Person

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import schemathesis
    from schemathesis import Case
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
        unsupported_method,
    )

_CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    unsupported_method,
]
_ENDLESS = {route.name for route in ROUTES if route.kind is Kind.CHANGES}


@pytest.fixture(scope="module")
def api(ada: Person, written: int) -> Any:
    assert written == 1  # so that some of what is guessed is there
    told = ada.ask("GET", "openapi.json").json()
    schema = schemathesis.openapi.from_dict(told)
    schema.config.update(base_url=ada.server.api)
    return schema


def answers_to_guesses(operation: Any, session: Session) -> set[int]:
    """Return the statuses of answers to requests of all kinds, once sure that all are right."""
    known = {"number": 1, "owner": "ada", "name": "probe", "path": "a.txt"}
    found: set[int] = set()
    turns = itertools.cycle([True, False])

    @settings(
        max_examples=8,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def guess(case: Case) -> None:
        # half of what is asked for is there, and stays
        is_there = case.method != "DELETE" and next(turns)
        for part in case.path_parameters:
            if is_there and part in known:
                case.path_parameters[part] = known[part]
            elif part == "number" and str(case.path_parameters[part]) == "1":
                case.path_parameters[part] = 10**6
        headers = {"Authorization": "token root-token"}
        answer = case.call_and_validate(
            headers=headers, session=session, timeout=60, checks=_CHECKS
        )
        found.add(answer.status_code)

    guess()
    return found


def test_all_that_the_document_says_is_so(api: Any) -> None:
    operations = {
        result.ok().definition.raw["operationId"]: result.ok()
        for result in api.get_all_operations()
    }
    assert set(operations) >= {route.name for route in ROUTES}
    with Session() as session:
        answered = {
            name: answers_to_guesses(operation, session)
            for name, operation in operations.items()
            if name not in _ENDLESS
        }
    assert not any(403 in statuses for statuses in answered.values()), answered
    fulfilled = {name for name, statuses in answered.items() if statuses & {200, 201, 204, 206}}
    assert fulfilled >= {"getHealth", "getTool", "getFile", "getStdout", "listTools", "listRuns"}


def test_each_operation_is_there_once(ada: Person) -> None:
    told = ada.ask("GET", "openapi.json").json()
    assert told["openapi"] == "3.1.0"
    names = [
        operation["operationId"] for path in told["paths"].values() for operation in path.values()
    ]
    assert len(names) == len(set(names))
    assert {route.name for route in ROUTES} <= set(names)
    used = str(told)
    for schema in told["components"]["schemas"]:
        assert f"#/components/schemas/{schema}'" in used or schema in (
            "Output",
            "BuildLog",
            "Change",
        )
