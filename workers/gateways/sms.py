"""Texts through Twilio: the real SDK over our own connections."""

from __future__ import annotations

import base64
import logging
import re
import ssl
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from twilio.base import values
from twilio.base.exceptions import TwilioRestException, TwilioServiceException
from twilio.http import AsyncHttpClient
from twilio.http.response import Response
from twilio.rest import Client
from yarl import URL

from service.care.lifecycle import TWILIO_STATUS
from workers.gateways.call import Call, MaybeSent, NotSent, current
from workers.gateways.handover import Found, Outcome, Recognised, Sighting, SmsParcel, Verdict
from workers.gateways.pool import Pool
from workers.gateways.quiet import silence
from workers.gateways.refusals import outcome_of_refusal
from workers.gateways.waiting import seconds_to_wait

silence()

TWILIO = "https://api.twilio.com"
_SID = re.compile(r"[A-Za-z0-9]{2,64}")
_SKEW = timedelta(minutes=2)
"""How far Twilio's clock and ours may differ. Too narrow, and a text that is there would be called absent and sent
again; wider costs a doubt at most, where something else wrote to that number."""
_PAGE = 1000
_MOST_PAGES = 20
_NOWHERE = URL("/")
_UNPROVABLE = Found(Sighting.UNPROVABLE)


class TwilioGateway:
    """Implements `SmsGateway`. Use one from a single event loop, and close it there."""

    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        base_url: str | None = None,
        *,
        concurrency: int = 512,
        connect_timeout: float = 5.0,
        read_timeout: float = 20.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`base_url` stands in for Twilio's own address; the time-outs are seconds. HTTP proxies are not used."""
        origin = (base_url or TWILIO).rstrip("/")
        self._pool = Pool(
            origin, limit=concurrency, connect_timeout=connect_timeout, read_timeout=read_timeout, tls=tls
        )
        # An environment of our own: the SDK would take a region and an edge from the process's and rewrite the host.
        nothing = {"TWILIO_REGION": ""}
        client = Client(account_sid, auth_token, http_client=_PooledHttpClient(self._pool), environment=nothing)
        client.api.base_url = origin
        self._messages = client.messages

    async def send(self, parcel: SmsParcel, *, deadline: float | None = None) -> Verdict:
        """See `SmsGateway.send`."""
        from_service = parcel.sender.startswith("MG")
        with Call(deadline) as call:
            try:
                message = await self._messages.create_async(
                    to=parcel.to,
                    body=parcel.body,
                    messaging_service_sid=parcel.sender if from_service else values.unset,
                    from_=values.unset if from_service else parcel.sender,
                    status_callback=parcel.status_callback,
                    validity_period=parcel.validity_seconds,
                )
            except NotSent as why:
                return Verdict(parcel.token, Outcome.NOT_SENT, code=str(why))
            except MaybeSent as why:
                return Verdict(parcel.token, Outcome.AMBIGUOUS, code=str(why))
            except (TwilioRestException, TwilioServiceException) as refusal:
                return _refused(parcel, call, refusal)
            except Exception:
                # Written: a 201 that the SDK cannot read. Not written: a text that cannot be put into a request.
                # What was raised is not logged, since it may quote the parcel.
                if call.written:
                    return Verdict(parcel.token, Outcome.AMBIGUOUS, code="unreadable")
                return Verdict(parcel.token, Outcome.REJECTED, code="unwritable")
        if not (isinstance(message.sid, str) and _SID.fullmatch(message.sid)):
            return Verdict(parcel.token, Outcome.AMBIGUOUS, code="unreadable")
        return Verdict(parcel.token, Outcome.ACCEPTED, provider_id=message.sid, code=_text(message.error_code))

    async def find(self, to: str, is_it: Recognised, since: datetime, until: datetime) -> Found:
        """See `SmsGateway.find`. ABSENT only when the listing was read back beyond `since` without a gap."""
        try:
            return await self._find(to, is_it, since - _SKEW, until + _SKEW)
        except Exception:
            return _UNPROVABLE

    async def _find(self, to: str, is_it: Recognised, since: datetime, until: datetime) -> Found:
        page = await self._messages.page_async(to=to, page_size=_PAGE)
        newest_first = True
        previous: datetime | None = None
        could_be_it = False
        for pages_before in range(_MOST_PAGES):
            if pages_before:
                page = await page.next_page_async()
            for message in page:
                created = message.date_created
                inside = created is None or since <= created <= until
                if inside and str(message.direction or "outbound").startswith("outbound"):
                    seen = is_it(message.sid, message.body or "")
                    if seen is Sighting.PRESENT:
                        return _found(message)
                    could_be_it = could_be_it or seen is Sighting.UNPROVABLE
                if created is not None:
                    newest_first = newest_first and (previous is None or created <= previous)
                    previous = created
            behind_us = newest_first and previous is not None and previous < since
            if behind_us or not page.next_page_url:
                return _UNPROVABLE if could_be_it else Found(Sighting.ABSENT)
        return _UNPROVABLE

    async def status(self, provider_id: str) -> Found:
        """See `SmsGateway.status`. ABSENT when Twilio no longer has it."""
        try:
            return _found(await self._messages(provider_id).fetch_async())
        except TwilioRestException as refusal:
            return Found(Sighting.ABSENT, provider_id) if refusal.status == 404 else _UNPROVABLE
        except Exception:
            return _UNPROVABLE

    async def close(self) -> None:
        """Drop the connections."""
        await self._pool.close()


class _PooledHttpClient(AsyncHttpClient):  # type: ignore[misc]
    """The SDK's door to the network. Its own asynchronous client has no time-outs and logs phone numbers."""

    def __init__(self, pool: Pool) -> None:
        super().__init__(logging.getLogger("twilio"), is_async=True)
        self._pool = pool
        self._basic: dict[tuple[str, str], str] = {}

    async def request(
        self,
        method: str,
        uri: str,
        params: dict[str, Any] | None = None,
        data: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ARG002 - the SDK's signature; the pool has its own
        allow_redirects: bool = False,  # noqa: ARG002
    ) -> Response:
        """One exchange. Raises NotSent or MaybeSent."""
        parts = urlsplit(uri)
        query = "&".join(filter(None, (parts.query, _form(params))))
        target = f"{parts.path}?{query}" if query else parts.path
        sent_headers = {**(headers or {}), "Accept-Encoding": "identity"}
        if auth is not None:
            sent_headers["Authorization"] = self._authorization(auth)
        body = _form(data).encode("ascii")
        call = current()
        answer = await self._pool.request(method, target, sent_headers, body, call.begin_writing if call else None)
        if call is not None:
            call.status = answer.status
            call.retry_after = seconds_to_wait(answer.headers) if answer.status >= 300 else None
        return Response(answer.status, answer.body.decode("utf-8", "replace"), answer.headers)

    def _authorization(self, auth: tuple[str, str]) -> str:
        if auth not in self._basic:
            self._basic[auth] = "Basic " + base64.b64encode(":".join(auth).encode()).decode("ascii")
        return self._basic[auth]


def _form(fields: Mapping[str, Any] | None) -> str:
    """As application/x-www-form-urlencoded. By yarl, which is written in C: `urlencode` takes a sixth of a send."""
    if not fields:
        return ""
    for value in fields.values():
        if isinstance(value, str):
            value.encode()  # yarl would leave out what is no character, and the text would be another than on record
    return _NOWHERE.with_query(fields).raw_query_string


def _refused(parcel: SmsParcel, call: Call, refusal: TwilioRestException | TwilioServiceException) -> Verdict:
    status = call.status or 0
    code = _text(refusal.code) or str(status)
    return Verdict(parcel.token, outcome_of_refusal(status, code), code=code, retry_after=call.retry_after)


def _found(message: Any) -> Found:
    if not (isinstance(message.sid, str) and _SID.fullmatch(message.sid)):
        return _UNPROVABLE
    return Found(Sighting.PRESENT, message.sid, TWILIO_STATUS.get(message.status), _text(message.error_code))


def _text(code: object) -> str | None:
    return None if code is None else str(code)[:32]
