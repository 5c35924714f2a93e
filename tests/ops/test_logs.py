"""P8: nothing that names, reaches or describes a person gets into a log line, however it was logged."""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from service import logs


class Written:
    """What went to stderr."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys, self._so_far = capsys, ""

    def text(self) -> str:
        self._so_far += self._capsys.readouterr().err
        return self._so_far

    def lines(self) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.text().splitlines()]
        # Garbage of earlier tests may warn at any time.
        return [line for line in lines if line["logger"] != "py.warnings"]


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str]) -> Iterator[Written]:
    """What is logged in the test, with logging put back afterwards."""
    root = logging.getLogger()
    before = root.level, sys.excepthook, threading.excepthook
    logs.configure("DEBUG")
    yield Written(capsys)
    for handler in [one for one in root.handlers if isinstance(one, logs._Lines)]:
        root.removeHandler(handler)
    root.setLevel(before[0])
    sys.excepthook, threading.excepthook = before[1], before[2]
    logging.captureWarnings(False)


HOSTILE = [
    ("call +1 (202) 555-0123 now", "555"),
    ("to=+12025550123", "2025550123"),
    ("To=%2B12025550123&From=x", "2025550123"),
    ("202.555.0123", "0123"),
    ("202–555–0123", "0123"),
    ("020 7946 0958", "7946"),
    ("born 1970-01-31", "1970"),
    ("mrn 00012345678", "12345678"),
    ("numbers in other digits ٢٠٢٥٥٥٠١٢٣", "٢٠٢٥"),
    ("mail ann.lee+x@clinic.example!", "ann.lee"),
    ("mail <ann@clinic.example>", "ann"),
    ("q=ann%40clinic.example&x=1", "ann"),
    ("GET /s/AbCdEf23456 HTTP/1.1", "AbCdEf"),
    ("https://care.example/u/AbCdEf23456?x=1", "AbCdEf"),
    ("key ak_dGhpcyBpcyBhIGtleQ-_x", "dGhpc"),
    ("secret whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "C2FVs"),
    ("Authorization: Bearer abc.def", "abc.def"),
    ("authorization: basic QUM6dG9rZW4=", "QUM6"),
    ("SG.abc-def.ghi_jkl", "ghi_jkl"),
    ("webhook-signature v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=", "K5oZ"),
    ("redis://:hunter2@redis:6379/0", "hunter2"),
    ("postgresql+psycopg://aftercare:hunter2@db/aftercare", "hunter2"),
    ("keys k1:q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=", "q83vEj"),
    ("token 0123456789abcdef0123456789abcdef", "abcdef"),
    ("job failed\nTraceback (most recent call last):\n  File x\nValueError: Ann Lee, knee", "Ann Lee"),
]


@pytest.mark.parametrize(("line", "private"), HOSTILE)
def test_redacts_whatever_way_it_is_logged(written: Written, line: str, private: str) -> None:
    logger = logging.getLogger("somewhere")
    logger.warning(line.replace("%", "%%"), *())
    logger.warning("argument: %s", line)
    logger.warning("nested: %s", {"a": [line]})
    structlog.get_logger("else").warning("an event", detail=line, nested={"deep": [line, (line,)]})
    structlog.get_logger("else").warning(line)
    out = json.dumps(written.lines(), ensure_ascii=False)
    assert private not in out
    assert len(written.lines()) == 5


KEPT = [
    "POST /v1/events 202 12345.6ms",
    "a nudge was lost, the clock will repeat it: ConnectionError",
    "GET /s/<token> 200",
    "unexpected KeyError at service.api.intake:123 (events.post_event)",
    "sender MG0123456789abcdef0123456789abcdef paused by 20003",
    "settled 512 of 512 in 3 s",
]


@pytest.mark.parametrize("line", KEPT)
def test_keeps_what_an_operator_needs(line: str) -> None:
    if "<token>" in line:
        assert "200" in logs.clean(line)
    else:
        assert logs.clean(line) == line


def test_fields_with_telling_names_lose_their_values_and_ids_stay(written: Written) -> None:
    log = structlog.get_logger()
    log.info("x", phone=12025550123, email="a", body="knee hurts", message_id=752_843_112_345_678_901, queue="urgent")
    log.info("y", seen=12025550123, thing=object(), raw=b"\x00ann@x.example", ratio=0.25)
    first, second = written.lines()
    assert (first["phone"], first["email"], first["body"]) == ("[removed]",) * 3
    assert (first["message_id"], first["queue"]) == (752_843_112_345_678_901, "urgent")
    assert (second["seen"], second["thing"], second["raw"], second["ratio"]) == (
        "[number]",
        "[object]",
        "[bytes]",
        0.25,
    )


def test_exceptions_are_told_by_type_and_place(written: Written) -> None:
    def deep() -> None:
        raise ValueError("Ann Lee, +12025550123, knee")

    try:
        try:
            deep()
        except ValueError as error:
            raise RuntimeError("Ann again") from error
    except RuntimeError:
        logging.getLogger("x").exception("it broke for %s", "ann@x.example")
    [line] = written.lines()
    assert "Ann" not in json.dumps(line)
    assert "knee" not in json.dumps(line)
    assert [one["type"] for one in line["exception"]] == ["builtins.RuntimeError", "builtins.ValueError"]
    assert line["exception"][1]["at"][-1].startswith("tests.ops.test_logs.deep:")
    assert line["event"] == "it broke for [e-mail]"


def test_sql_parameters_stay_out(written: Written) -> None:
    try:
        with create_engine("sqlite://").connect() as connection:
            connection.execute(text("SELECT :name FROM nothing"), {"name": "Ann Lee"})
    except SQLAlchemyError:
        logging.getLogger("x").error("no", exc_info=True)
    assert "Ann" not in written.text()


def test_the_extra_that_rq_logs_stays_out(written: Written) -> None:
    logging.getLogger("rq.worker").info("deliver-sms: %s", "job(752843112345678901)")
    logging.getLogger("rq.worker").error("failed", extra={"arguments": ["Ann Lee"], "kwargs": {"a": "Ann Lee"}})
    assert [line["event"] for line in written.lines()] == ["failed"]
    assert "Ann" not in written.text()


@pytest.mark.parametrize(
    "name", ["twilio.http_client", "sendgrid", "python_http_client.client", "urllib3.connectionpool", "rq", "werkzeug"]
)
def test_talkative_libraries_are_silenced(written: Written, name: str) -> None:
    logging.getLogger(name).info("POST to +12025550123 by Ann")
    logging.getLogger(name).debug("Ann")
    assert written.text() == ""


def test_silence_is_never_loosened(written: Written) -> None:
    logger = logging.getLogger("python_http_client")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        logs.configure("DEBUG")
        assert logger.level == logging.CRITICAL + 1
    finally:
        logger.setLevel(before)


def test_a_line_that_cannot_be_formatted_is_not_quoted(written: Written) -> None:
    # By hand: pytest's own handler would raise before ours is asked.
    bad = logging.LogRecord("x", logging.WARNING, __file__, 1, "%d phones", ("Ann Lee",), None)
    next(one for one in logging.getLogger().handlers if isinstance(one, logs._Lines)).handle(bad)
    [line] = written.lines()
    assert line["event"] == "a log line could not be written"
    assert "Ann" not in json.dumps(line)


def test_uncaught_exceptions_are_told_without_their_text(written: Written) -> None:
    thread = threading.Thread(target=lambda: int("Ann Lee"))
    thread.start()
    thread.join()
    try:
        int("Ann Lee")
    except ValueError as error:
        sys.excepthook(ValueError, error, error.__traceback__)
    assert [line["level"] for line in written.lines()] == ["critical", "critical"]
    assert "Ann" not in written.text()


def test_line_breaks_cannot_forge_a_line(written: Written) -> None:
    logging.getLogger("x").warning('a\n{"level": "info", "event": "forged"}\x1b[2J')
    assert len(written.text().splitlines()) == 1


def test_configuring_twice_does_not_double_lines_and_wants_a_level(written: Written) -> None:
    logs.configure("info")
    logging.getLogger("x").info("once")
    assert len(written.lines()) == 1
    with pytest.raises(ValueError, match="AFTERCARE_LOG_LEVEL"):
        logs.configure("LOUD")


@given(
    st.text(max_size=10),
    st.from_regex(r"\+[1-9][0-9]{9,13}", fullmatch=True),
    st.text(alphabet=" ():,;<>'\"/\n", min_size=1, max_size=5),
)
def test_no_number_survives_among_other_text(before: str, number: str, after: str) -> None:
    assert number[1:] not in logs.clean(before + " " + number + after)
