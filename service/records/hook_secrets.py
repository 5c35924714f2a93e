"""Another secret for an endpoint of webhooks: for a day the old one signs beside it, so that its receiver has time."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select, update

from service.records.clinics import AskedBefore
from service.records.hook_endpoints import new_secret
from service.records.ids import new_id
from service.records.sealing import CannotOpen, Vault
from service.records.webhook_tables import webhook_endpoints, webhook_old_secrets

OVERLAP = timedelta(hours=24)
MOST_OLD = 3
"""Old secrets of an endpoint that sign at a time: each is one signature more in every post's header."""

_old = webhook_old_secrets.c


def rotate(connection: Connection, vault: Vault, endpoint_id: int, form: int, now: datetime) -> str:
    """Another secret, which signs every post from now on; returns it, the only time it can be read.

    The one before signs too until `now + OVERLAP`. Changed again meanwhile, every one of them does until its own end:
    nobody here knows which of them the receiver has. Raises AskedBefore where the present one was made for this form.
    """
    row = connection.execute(
        select(webhook_endpoints.c.secret, webhook_endpoints.c.form)
        .where(webhook_endpoints.c.id == endpoint_id)
        # Of two who change it at once, the second keeps the first one's secret as the old one.
        .with_for_update()
    ).one()
    if row.form == form:
        raise AskedBefore
    secret = new_secret()
    _keep_old(connection, vault, endpoint_id, row.secret, now + OVERLAP)
    connection.execute(
        update(webhook_endpoints)
        .where(webhook_endpoints.c.id == endpoint_id)
        .values(secret=vault.seal(secret, endpoint_id), form=form)
    )
    _forget_spent(connection, endpoint_id, now)
    return secret


def old_of(connection: Connection, endpoint_ids: Collection[int], now: datetime) -> dict[int, list[Row[Any]]]:
    """The old secrets, sealed, that still sign for each of these endpoints."""
    found: dict[int, list[Row[Any]]] = {}
    for row in connection.execute(_OLD, {"endpoints": list(endpoint_ids), "now": now}):
        found.setdefault(row.endpoint_id, []).append(row)
    return found


_OLD = (
    select(webhook_old_secrets)
    .where(_old.endpoint_id.in_(bindparam("endpoints", expanding=True)), _old.ends_at > bindparam("now"))
    .order_by(_old.endpoint_id, _old.id.desc())
)


def old_signs_until(connection: Connection, endpoint_id: int, now: datetime) -> datetime | None:
    """When the last old secret of an endpoint ends; None when the present one signs alone."""
    until: datetime | None = connection.execute(
        select(func.max(_old.ends_at)).where(_old.endpoint_id == endpoint_id, _old.ends_at > now)
    ).scalar_one()
    return until


def stop_old(connection: Connection, endpoint_id: int) -> None:
    """From the next post on, the present secret signs alone."""
    connection.execute(delete(webhook_old_secrets).where(_old.endpoint_id == endpoint_id))


def _keep_old(connection: Connection, vault: Vault, endpoint_id: int, sealed: bytes, ends_at: datetime) -> None:
    old = new_id()
    try:
        secret = vault.seal(vault.open(sealed, endpoint_id), old)
    except CannotOpen:
        # Its key is gone: it signs nothing as it is, and another secret is the way out.
        return
    values = {"id": old, "endpoint_id": endpoint_id, "secret": secret, "ends_at": ends_at}
    connection.execute(insert(webhook_old_secrets).values(**values))


def _forget_spent(connection: Connection, endpoint_id: int, now: datetime) -> None:
    kept = (
        select(_old.id)
        .where(_old.endpoint_id == endpoint_id, _old.ends_at > now)
        .order_by(_old.id.desc())
        .limit(MOST_OLD)
    )
    connection.execute(delete(webhook_old_secrets).where(_old.endpoint_id == endpoint_id, _old.id.not_in(kept)))
