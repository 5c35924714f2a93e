"""A brake on guessing passwords and codes: ten wrong ones a quarter of an hour, by address and by account.

Counted in Redis for all processes; while that is away, in the memory of each, and a fault of the counting itself lets
people in: nobody may be kept from a patient because a counter is broken.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import Any, cast

from flask import Flask, Response, request
from flask_limiter import Limiter

from service.care.lifecycle import Channel
from service.context import context
from service.pages.desk import signin
from service.records.patients import normal

TRIES = "10 per 15 minutes"

_NEAR = [ip_network(one) for one in ("127.0.0.0/8", "::1", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")]
"""Where a proxy of the same house may stand."""


def _by_address() -> str:
    return _blind(f"address {_address()}")


def _by_email() -> str:
    return _blind(f"account {normal(Channel.EMAIL, request.form.get('email', ''))}")


def _by_person() -> str:
    who = signin.current() or signin.waiting_for_code()
    return _blind(f"staff {who.id}" if who is not None else f"address {_address()}")


_LIMITED: dict[str, tuple[Callable[[], str], ...]] = {
    "desk.login.enter": (_by_address, _by_email),
    "desk.login.enter_code": (_by_person,),
    "desk.join.take_up": (_by_address,),
    "desk.you.change_password": (_by_person,),
    "desk.you.confirm_codes": (_by_person,),
    "desk.you.drop_codes": (_by_person,),
    "desk.settings_contacts.enter_code": (_by_person,),
}


def apply(app: Flask) -> None:
    """Put the brake on the views where something can be guessed."""
    with app.app_context():
        redis_url = context().settings.redis_url
    limiter = Limiter(
        key_func=_by_address,
        storage_uri=f"redis+{redis_url}" if redis_url.startswith("unix:") else redis_url,
        storage_options={"socket_connect_timeout": 1, "socket_timeout": 1},
        key_prefix="aftercare:tries",
        in_memory_fallback_enabled=True,
        swallow_errors=True,
    )
    limiter.init_app(app)
    for endpoint, keys in _LIMITED.items():
        for key in keys:
            limited = limiter.limit(TRIES, key_func=key, deduct_when=_was_wrong)
            app.view_functions[endpoint] = cast(Any, limited(app.view_functions[endpoint]))


def _was_wrong(answer: Response) -> bool:
    return answer.status_code == 422


def _address() -> str:
    """Where the request comes from: the last hop of a proxy that stands next to us, else the other end itself."""
    near = request.remote_addr or "127.0.0.1"
    before = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    return before if before and any(ip_address(near) in network for network in _NEAR) else near


def _blind(text: str) -> str:
    """Redis holds nothing that names or reaches anyone."""
    return context().sending.vault.index(text).hex()
