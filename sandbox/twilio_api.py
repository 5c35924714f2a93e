"""Twilio's Messages resource over HTTP."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Awaitable, Callable, Iterable
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from sandbox import answers, magic, text_rules
from sandbox.carrier import Carrier
from sandbox.config import Config
from sandbox.errors import AT_CREATE, ApiError, refusal
from sandbox.faults import Fault, Faults, Kind, Plan, Point
from sandbox.ledger import Ledger
from sandbox.texts import FINAL, Search, Text, Texts, day_or_moment, new_sid, segments
from service import time

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_LIST_FIELDS = frozenset({"To", "From", "DateSent", "DateSent<", "DateSent>", "PageSize", "Page", "PageToken"})
_MAX_PAGE = 1000


class TwilioApi:
    """Handlers for one account."""

    def __init__(self, config: Config, texts: Texts, carrier: Carrier, ledger: Ledger, faults: Faults) -> None:
        self._config = config
        self._texts = texts
        self._carrier = carrier
        self._ledger = ledger
        self._faults = faults
        self._credentials = base64.b64encode(f"{config.account_sid}:{config.auth_token}".encode())

    def routes(self) -> Iterable[web.RouteDef]:
        base = "/2010-04-01/Accounts/{account}/Messages"
        yield web.post(f"{base}.json", self._guarded(self.create))
        yield web.get(f"{base}.json", self._guarded(self.list), allow_head=False)
        yield web.get(f"{base}/{{sid}}.json", self._guarded(self.fetch), allow_head=False)
        yield web.post(f"{base}/{{sid}}.json", self._guarded(self.update))
        yield web.delete(f"{base}/{{sid}}.json", self._guarded(self.delete))

    async def create(self, request: web.Request) -> web.StreamResponse:
        form = await _form(request)
        given = form.get("To", [""])[0]
        to = text_rules.e164(given) or given
        plan = self._faults.plan(Point.CREATE, (to,), magic.of_number(to) if self._config.magic else ())
        trouble = self._trouble_for(to)
        if (spoilt := await answers.before(request, plan, trouble)) is not None:
            return spoilt
        wanted = text_rules.check(form, self._config)
        if self._carrier.opted_out(wanted.sender, wanted.service_sid, wanted.to):
            raise refusal(21610, wanted.to)
        text = self._accept(wanted)
        # The answer shows the message as it was taken, whatever a callback reports meanwhile.
        answer = _json(text.as_json(self._config.account_sid), 201)
        life = self._carrier.take(text, plan)
        if plan.has(Kind.EARLY):
            await life
        return await answers.after(request, plan, answer, trouble)

    async def fetch(self, request: web.Request) -> web.StreamResponse:
        plan = self._faults.plan(Point.FETCH, ())
        if (spoilt := await answers.before(request, plan, self._trouble_for(""))) is not None:
            return spoilt
        text = self._find(request)
        return await self._answer(request, plan, _json(text.as_json(self._config.account_sid)))

    async def list(self, request: web.Request) -> web.StreamResponse:
        plan = self._faults.plan(Point.LIST, (request.query.get("To", ""),))
        if (spoilt := await answers.before(request, plan, self._trouble_for(""))) is not None:
            return spoilt
        return await self._answer(request, plan, _json(self._page(request)))

    async def update(self, request: web.Request) -> web.StreamResponse:
        plan = self._faults.plan(Point.UPDATE, ())
        if (spoilt := await answers.before(request, plan, self._trouble_for(""))) is not None:
            return spoilt
        text, form = self._find(request), await _form(request)
        if unknown := sorted(set(form) - {"Body", "Status"}):
            raise ApiError(20001, 400, f"Unknown parameters: {', '.join(unknown)}")
        if "Status" in form:
            _cancel(text, form["Status"][0])
        if "Body" in form:
            _redact(text, form["Body"][0])
        return await self._answer(request, plan, _json(text.as_json(self._config.account_sid)))

    async def delete(self, request: web.Request) -> web.StreamResponse:
        plan = self._faults.plan(Point.DELETE, ())
        if (spoilt := await answers.before(request, plan, self._trouble_for(""))) is not None:
            return spoilt
        text = self._find(request)
        if text.status not in FINAL:
            raise ApiError(20009, 409, "Cannot delete this resource before it is complete")
        self._texts.delete(text)
        return await self._answer(request, plan, web.Response(status=204))

    def _accept(self, wanted: text_rules.CreateRequest) -> Text:
        # A provider's dates are the world's, however fast the service's clock runs: our questions go by them.
        stamp = time.real_now()
        status = "scheduled" if wanted.send_at else "queued" if wanted.sender else "accepted"
        text = Text(
            new_sid(bool(wanted.media)),
            wanted.to,
            wanted.sender,
            wanted.service_sid,
            wanted.body,
            status,
            "outbound-api",
            stamp,
            stamp,
            send_at=wanted.send_at,
            status_callback=wanted.status_callback,
            media=wanted.media,
            # Twilio says 0 until a messaging service has picked the sender.
            segments=segments(wanted.body) if wanted.sender else 0,
        )
        self._texts.add(text)
        self._ledger.accept(
            time.now(),
            "twilio",
            text.sid,
            text.to,
            wanted.sender or wanted.service_sid or "",
            text.body,
            status_callback=text.status_callback,
        )
        return text

    def _page(self, request: web.Request) -> dict[str, Any]:
        query = request.query
        if unknown := sorted(set(query) - _LIST_FIELDS):
            raise ApiError(20001, 400, f"Unknown parameters: {', '.join(unknown)}")
        search = _search(query.get("To"), query.get("From"), query)
        size = _whole(query.get("PageSize", "50"), 1, _MAX_PAGE, "PageSize")
        number = _whole(query.get("Page", "0"), 0, 10**9, "Page")
        token = query.get("PageToken")
        if token is not None and not token.startswith("PA"):
            raise ApiError(20001, 400, "Invalid PageToken")
        if number and token is None:
            raise ApiError(20006, 400, "Page number out of range: use next_page_uri")
        found, more = self._texts.page(search, size, token[2:] if token else None)
        base = f"/2010-04-01/Accounts/{self._config.account_sid}/Messages.json"
        kept = [(key, value) for key, value in query.items() if key not in ("Page", "PageToken", "PageSize")]

        def uri(page: int, *more_query: tuple[str, str]) -> str:
            return f"{base}?{urlencode([*kept, ('PageSize', str(size)), ('Page', str(page)), *more_query])}"

        return {
            "end": number * size + max(0, len(found) - 1),
            "first_page_uri": uri(0),
            "messages": [text.as_json(self._config.account_sid) for text in found],
            "next_page_uri": uri(number + 1, ("PageToken", f"PA{found[-1].sid}")) if more else None,
            "page": number,
            "page_size": size,
            # Real tokens lead back as well; nobody has needed that here.
            "previous_page_uri": None,
            "start": number * size,
            "uri": uri(number, *([("PageToken", token)] if token else [])),
        }

    def _find(self, request: web.Request) -> Text:
        text = self._texts.get(request.match_info["sid"])
        if text is None:
            raise ApiError(20404, 404, f"The requested resource {request.path} was not found")
        return text

    async def _answer(self, request: web.Request, plan: Plan, answer: web.Response) -> web.StreamResponse:
        return await answers.after(request, plan, answer, self._trouble_for(""))

    def _trouble_for(self, to: str) -> answers.Trouble:
        def trouble(fault: Fault) -> web.Response:
            if fault.kind is Kind.RATE_LIMITED:
                return _error(refusal(20429, to), {"Retry-After": f"{fault.retry_after:g}"})
            if fault.kind is Kind.REFUSE:
                known = fault.code in AT_CREATE
                return _error(refusal(fault.code, to) if known else ApiError(fault.code, 400, "Refused"))
            return _error(ApiError(20500, fault.status, "An internal server error has occurred"))

        return trouble

    def _guarded(self, handler: Handler) -> Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            try:
                self._authenticate(request)
                return await handler(request)
            except ApiError as error:
                return _error(error)

        return guarded

    def _authenticate(self, request: web.Request) -> None:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic" or not hmac.compare_digest(given.strip().encode(), self._credentials):
            raise ApiError(20003, 401, "Authenticate")
        if request.match_info["account"] != self._config.account_sid:
            raise ApiError(20404, 404, f"The requested resource {request.path} was not found")


def _cancel(text: Text, status: str) -> None:
    if status != "canceled":
        raise ApiError(20001, 400, "Status can only be set to canceled")
    if text.status != "scheduled":
        raise ApiError(30409, 409, "This message cannot be canceled")
    text.move("canceled")


def _redact(text: Text, body: str) -> None:
    if body:
        raise ApiError(20001, 400, "Body can only be set to an empty string")
    if text.status not in FINAL:
        raise ApiError(20009, 409, "Cannot modify this resource before it is complete")
    text.body = ""


def _search(to: str | None, sender: str | None, query: Any) -> Search:
    try:
        on, until, since = query.get("DateSent"), query.get("DateSent<"), query.get("DateSent>")
        if on:
            # Without < or > the filter means a UTC day, also when the SDK writes that day as its midnight.
            until = since = on[:10]
        return Search(
            text_rules.e164(to) or to if to else None,
            text_rules.e164(sender) or sender if sender else None,
            day_or_moment(since, False) if since else None,
            day_or_moment(until, True) if until else None,
        )
    except ValueError:
        raise ApiError(20001, 400, "DateSent must be YYYY-MM-DD or an ISO 8601 time") from None


def _whole(value: str, low: int, high: int, name: str) -> int:
    if not value.isdecimal() or not low <= int(value) <= high:
        raise ApiError(20001, 400, f"{name} must be {low} to {high}")
    return int(value)


async def _form(request: web.Request) -> dict[str, list[str]]:
    if request.content_type != "application/x-www-form-urlencoded":
        raise ApiError(20001, 415, "Content-Type must be application/x-www-form-urlencoded")
    posted = await request.post()
    form: dict[str, list[str]] = {}
    for name, value in posted.items():
        form.setdefault(name, []).append(str(value))
    return form


def _json(data: dict[str, Any], status: int = 200) -> web.Response:
    return web.Response(body=json.dumps(data).encode(), status=status, content_type="application/json")


def _error(error: ApiError, headers: dict[str, str] | None = None) -> web.Response:
    answer = _json(error.as_json(), error.status)
    answer.headers.update(headers or {})
    return answer
