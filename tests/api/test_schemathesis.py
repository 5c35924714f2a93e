"""P10: whatever is sent, no operation answers with a 5xx, or with anything that its description does not name."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi import checks

from service.api.openapi_operations import OPERATIONS
from service.care.sites import Site
from tests.api.counter import Counter

_EXAMPLES = int(os.environ.get("AFTERCARE_FUZZ_EXAMPLES", "15"))
"""Requests an operation and mode; set it higher to hunt."""
_keys = itertools.count(1)

schemathesis.openapi.format("phone", st.integers(2_000_000_000, 9_999_999_999).map(lambda digits: f"+1{digits}"))
schemathesis.openapi.format("email", st.from_regex(r"[a-z]{1,9}@[a-z]{1,9}\.(com|example)", fullmatch=True))
schemathesis.openapi.format("iana-timezone", st.sampled_from(["America/Denver", "Europe/Paris", "Etc/GMT+12"]))
schemathesis.openapi.format("site", st.sampled_from(["knee_left", "Left knee", *Site]))
schemathesis.openapi.format("date-time", st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat))
_line = st.one_of(
    st.binary(max_size=40).filter(lambda line: b"\n" not in line),
    st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.dictionaries(st.text(), inner)).map(
        lambda value: json.dumps(value).encode()
    ),
)
for _kind in ("application/x-ndjson", "application/jsonl"):
    schemathesis.openapi.media_type(_kind, st.lists(_line, max_size=4).map(b"\n".join))

_CHECKS = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.unsupported_method,
    schemathesis.checks.not_a_server_error,
]


@pytest.fixture(scope="module")
def schema(clinic_counter: Counter) -> Any:
    # Parameters that nobody described are passed over, as on the web everywhere; every request here is signed in.
    config = SchemathesisConfig.from_dict(
        {
            "generation": {"allow-extra-parameters": False, "with-security-parameters": False},
            "checks": {"negative_data_rejection": {"expected-statuses": ["4xx"]}},
        }
    )
    return schemathesis.openapi.from_wsgi("/openapi.json", clinic_counter.app, config=config)


def _with_modes() -> Iterator[Any]:
    for (method, path), operation in OPERATIONS.items():
        for mode in GenerationMode:
            # Nothing can be wrong with a request that takes nothing.
            if mode is GenerationMode.POSITIVE or operation.parameters or operation.body:
                yield pytest.param(method, path, mode, id=f"{method} {path} {mode.value}")


@pytest.mark.parametrize(("method", "path", "mode"), list(_with_modes()))
def test_no_request_finds_an_answer_that_is_not_described(
    clinic_counter: Counter, schema: Any, method: str, path: str, mode: GenerationMode
) -> None:
    operation = schema[path][method]
    there = {
        "session_id": "s1",
        "patient_id": "p1",
        "alert_id": str(clinic_counter.alert_id),
        "response_id": str(clinic_counter.response_id),
        "observation_id": f"{clinic_counter.response_id}-pain",
    }
    known = {name: value for name, value in there.items() if f"{{{name}}}" in path}
    turns = itertools.count()

    @seed(20260302)
    @settings(max_examples=_EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def hold(case: Any) -> None:
        signed_in = {**clinic_counter.signed_in}
        if not (case.headers and "Idempotency-Key" in case.headers):
            signed_in["Idempotency-Key"] = f"fuzz-{next(_keys)}"
        if known and mode is GenerationMode.POSITIVE and next(turns) % 2:
            case.path_parameters = {**case.path_parameters, **known}
        case.call_and_validate(headers=signed_in, checks=_CHECKS)

    hold()
