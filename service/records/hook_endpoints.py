"""Endpoints of webhooks: where a clinic's own systems listen, and for what."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from service.records import notices
from service.records.clinics import AskedBefore
from service.records.hooks import LIVE, Endpoint, Type, as_endpoint, forget_known
from service.records.ids import new_id
from service.records.sealing import Vault
from service.records.webhook_tables import webhook_deliveries, webhook_endpoints

FAILING = "webhook_failing"
"""Kind of the operator's notice about an endpoint that has taken nothing for days."""
_LONGEST_URL = 2000


def add(
    connection: Connection,
    vault: Vault,
    clinic_id: int,
    url: str,
    types: Sequence[str],
    now: datetime,
    form: int | None = None,
) -> tuple[Endpoint, str]:
    """Add an endpoint; returns it and its secret (`whsec_…`), the only time that can be read.

    The caller has checked the URL (`service.outward`). `form` is the number of the form that asks. Raises AskedBefore
    where it was sent before, and ValueError for an unknown type or too long a URL.
    """
    _check_types(types)
    if len(url) > _LONGEST_URL:
        raise ValueError(f"a URL may have at most {_LONGEST_URL} characters")
    mine = (webhook_endpoints.c.clinic_id == clinic_id, webhook_endpoints.c.form == form)
    if form is not None and connection.execute(select(webhook_endpoints.c.id).where(*mine)).one_or_none() is not None:
        raise AskedBefore
    secret, row = new_secret(), new_id()
    connection.execute(
        insert(webhook_endpoints).values(
            id=row,
            clinic_id=clinic_id,
            url=url,
            secret=vault.seal(secret, row),
            types=types if types == "*" else list(types),
            created_at=now,
            failures=0,
            form=form,
        )
    )
    forget_known()
    return get(connection, row), secret


def get(connection: Connection, endpoint_id: int) -> Endpoint:
    """The endpoint, of whatever clinic. Raises LookupError."""
    row = connection.execute(select(webhook_endpoints).where(webhook_endpoints.c.id == endpoint_id)).one_or_none()
    if row is None:
        raise LookupError(f"no webhook endpoint {endpoint_id}")
    return as_endpoint(row)


def of_clinic(connection: Connection, clinic_id: int, endpoint_id: int) -> Endpoint:
    """The clinic's endpoint. Raises LookupError."""
    found = get(connection, endpoint_id)
    if found.clinic_id != clinic_id:
        raise LookupError(f"no webhook endpoint {endpoint_id}")
    return found


def all_of(connection: Connection, clinic_id: int | None = None) -> list[Endpoint]:
    """The endpoints of a clinic, or of all, with those that were disabled."""
    query = select(webhook_endpoints).order_by(webhook_endpoints.c.id)
    if clinic_id is not None:
        query = query.where(webhook_endpoints.c.clinic_id == clinic_id)
    return [as_endpoint(row) for row in connection.execute(query)]


def disable(connection: Connection, endpoint_id: int, now: datetime) -> bool:
    """Send an endpoint nothing more, also not what waits. False when it was disabled before."""
    done = connection.execute(
        update(webhook_endpoints)
        .where(webhook_endpoints.c.id == endpoint_id, webhook_endpoints.c.disabled_at.is_(None))
        .values(disabled_at=now)
    )
    connection.execute(
        update(webhook_deliveries)
        .where(
            webhook_deliveries.c.endpoint_id == endpoint_id,
            webhook_deliveries.c.state.in_(LIVE),
            webhook_deliveries.c.due_at.is_not(None),  # for its index's sake: all have one
        )
        .values(state="abandoned", last_error="endpoint_disabled")
    )
    notices.close(connection, FAILING, f"endpoint {endpoint_id}", now)
    forget_known()
    return done.rowcount == 1


def choose(connection: Connection, endpoint_id: int, types: Sequence[str]) -> None:
    """What it hears of from now on. Raises ValueError for an unknown type, or none."""
    _check_types(types)
    connection.execute(
        update(webhook_endpoints)
        .where(webhook_endpoints.c.id == endpoint_id)
        .values(types=types if types == "*" else list(types))
    )


def pause(connection: Connection, endpoint_id: int, now: datetime) -> bool:
    """Post nothing until it is resumed; what happens meanwhile waits. False when it was paused before."""
    done = connection.execute(
        update(webhook_endpoints)
        .where(webhook_endpoints.c.id == endpoint_id, webhook_endpoints.c.paused_at.is_(None))
        .values(paused_at=now)
    )
    return done.rowcount == 1


def resume(connection: Connection, endpoint_id: int, now: datetime) -> bool:
    """Post again, what waited first; its days of retries begin now. False when it was not paused."""
    done = connection.execute(
        update(webhook_endpoints)
        .where(webhook_endpoints.c.id == endpoint_id, webhook_endpoints.c.paused_at.is_not(None))
        # A fresh start: a long pause must not look like days of failures.
        .values(paused_at=None, failing_since=None, failures=0, closed_until=None)
    )
    if done.rowcount:
        notices.close(connection, FAILING, f"endpoint {endpoint_id}", now)
        connection.execute(
            update(webhook_deliveries)
            .where(
                webhook_deliveries.c.endpoint_id == endpoint_id,
                webhook_deliveries.c.state == "waiting",
                webhook_deliveries.c.due_at.is_not(None),  # for its index's sake: all have one
            )
            .values(due_at=now, since=now)
        )
    return done.rowcount == 1


def _check_types(types: Sequence[str]) -> None:
    unknown = [] if types == "*" else [kind for kind in types if kind not in set(Type)]
    if unknown or not types:
        raise ValueError("types are " + ", ".join(Type))


def new_secret() -> str:
    """A secret that posts are signed with, as Standard Webhooks writes it."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
