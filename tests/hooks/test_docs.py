"""The receiver in the documentation works as it stands there."""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from service.records.hooks import Type
from tests.hooks.conftest import Surgery

DOCUMENT = Path(__file__).parents[2] / "docs" / "webhooks.md"


@pytest.fixture
def documented(surgery: Surgery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Path]]:
    [code] = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    inbox = tmp_path / "inbox.db"
    monkeypatch.setenv("DATABASE", str(inbox))
    monkeypatch.setenv("WEBHOOK_SECRET", surgery.secret)
    module: dict[str, object] = {"__name__": "receiver"}
    exec(compile(code, str(DOCUMENT), "exec"), module)
    server = make_server("127.0.0.1", 0, module["app"], threaded=True)  # type: ignore[arg-type]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/aftercare", inbox
    server.shutdown()
    thread.join()
    server.server_close()


def _stored(inbox: Path) -> list[tuple[str, str, str]]:
    return sqlite3.connect(inbox).execute("SELECT id, type, data FROM inbox ORDER BY id").fetchall()


def test_the_documented_receiver_verifies_stores_and_knows_doubles(
    surgery: Surgery, documented: tuple[str, Path]
) -> None:
    url, inbox = documented
    from sqlalchemy import update

    from service import time
    from service.records import hook_log
    from service.records.webhook_tables import webhook_endpoints

    surgery.run(lambda c: c.execute(update(webhook_endpoints).values(url=url)))
    surgery.announce(surgery.ana, 1)
    surgery.announce(surgery.ana, 2, Type.SURVEY)
    surgery.deliver()
    assert surgery.states() == ["delivered", "delivered"]
    stored = _stored(inbox)
    assert [(kind, data) for _, kind, data in stored] == [
        ("reply.received", '{"patient": {"id": "ana"}, "number": 1}'),
        ("survey.answered", '{"patient": {"id": "ana"}, "number": 2}'),
    ]
    first = surgery.deliveries()[0]["event_id"]
    surgery.run(lambda c: hook_log.resend(c, surgery.endpoint.id, time.now(), only=first))
    assert surgery.deliver() == 1
    assert _stored(inbox) == stored


def test_the_documented_receiver_refuses_others(surgery: Surgery, documented: tuple[str, Path]) -> None:
    url, _inbox = documented
    stranger, _secret = surgery.add_endpoint(url)
    from service.records import hook_deliveries

    surgery.announce(surgery.ana, 1)
    surgery.deliver()
    [row] = surgery.read(lambda c: hook_deliveries.states(c, stranger.id))
    assert row["last_error"] == "status_401"


def test_every_type_is_documented() -> None:
    text = DOCUMENT.read_text("utf-8")
    assert [kind for kind in Type if f"`{kind}`" not in text] == []
