"""``/__sandbox/…``: faults, the ledger, replies, and what the phone page reads."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

from aiohttp import web

from sandbox.faults import Rule
from sandbox.house import House
from sandbox.text_rules import e164

_STATIC = Path(__file__).with_name("static")
_BEAT_SECONDS = 15.0
"""A comment on a quiet event stream this often, so that a dead browser is noticed."""


class Controls:
    """Handlers over one house."""

    def __init__(self, house: House) -> None:
        self._house = house

    def routes(self) -> Iterable[web.RouteDef | web.StaticDef]:
        yield web.get("/", self.page)
        yield web.static("/static", _STATIC)
        yield web.get("/__sandbox/keys", _said(self.keys))
        yield web.get("/__sandbox/faults", _said(self.faults))
        yield web.post("/__sandbox/faults", _said(self.add_fault))
        yield web.delete("/__sandbox/faults", _said(self.clear_faults))
        yield web.get("/__sandbox/ledger", _said(self.ledger))
        yield web.get("/__sandbox/stats", _said(self.stats))
        yield web.get("/__sandbox/pending", _said(self.pending))
        yield web.post("/__sandbox/reset", _said(self.reset))
        yield web.post("/__sandbox/reply", _said(self.reply))
        yield web.post("/__sandbox/unsubscribe", _said(self.unsubscribe))
        yield web.get("/__sandbox/phones", _said(self.phones))
        yield web.get("/__sandbox/people", _said(self.people))
        yield web.get("/__sandbox/thread", _said(self.thread))
        yield web.get("/__sandbox/mailbox", _said(self.mailbox))
        yield web.get("/__sandbox/mail", _said(self.mail))
        yield web.get("/__sandbox/changes", self.changes)

    async def page(self, _: web.Request) -> web.FileResponse:
        return web.FileResponse(_STATIC / "phone.html", headers={"Cache-Control": "no-cache"})

    async def keys(self, _: web.Request) -> dict[str, Any]:
        return {"public_key": self._house.key.public}

    async def faults(self, _: web.Request) -> dict[str, Any]:
        return {"faults": [rule.as_json() for rule in self._house.faults.rules()]}

    async def add_fault(self, request: web.Request) -> dict[str, Any]:
        return self._house.faults.add(Rule.parse(await _object(request))).as_json()

    async def clear_faults(self, _: web.Request) -> dict[str, Any]:
        self._house.faults.clear()
        return {"faults": []}

    async def ledger(self, request: web.Request) -> dict[str, Any]:
        after = int(request.query.get("after", "0"))
        entries = self._house.ledger.entries(after)
        return {"entries": [entry.as_json() for entry in entries], "last": entries[-1].seq if entries else after}

    async def stats(self, _: web.Request) -> dict[str, Any]:
        return self._house.stats()

    async def pending(self, _: web.Request) -> dict[str, Any]:
        return {"pending": self._house.postman.pending}

    async def reset(self, _: web.Request) -> dict[str, Any]:
        await self._house.reset()
        return {"reset": True}

    async def reply(self, request: web.Request) -> dict[str, Any]:
        """``{from, to?, body, media?}`` is a text; ``{email: {from, to, text, subject?, html?}}`` an e-mail."""
        data = await _object(request)
        if "email" in data:
            return self._reply_by_mail(data["email"])
        sender = e164(_string(data, "from"))
        if sender is None:
            raise ValueError("from must be a phone number")
        media = data.get("media") or []
        if isinstance(media, str):
            media = [media]
        if not isinstance(media, list) or not all(isinstance(url, str) for url in media):
            raise ValueError("media must be a list of URLs")
        to = _string(data, "to") if data.get("to") else None
        text = self._house.carrier.hear(sender, to, _string(data, "body", empty=bool(media)), media)
        return {"sid": text.sid}

    def _reply_by_mail(self, mail: object) -> dict[str, Any]:
        if not isinstance(mail, dict):
            raise ValueError("email must be an object")
        self._house.mail_carrier.hear(
            _string(mail, "from"),
            _string(mail, "to"),
            _string(mail, "text", empty=True),
            _string(mail, "subject", empty=True) if "subject" in mail else "",
            _string(mail, "html", empty=True) if "html" in mail else "",
            _string(mail, "in_reply_to") if mail.get("in_reply_to") else None,
        )
        return {"sent": True}

    async def unsubscribe(self, request: web.Request) -> dict[str, Any]:
        """Press a mail's one-click button, as the mail program's own servers do (RFC 8058)."""
        mail = self._house.screen.find_mail(_string(await _object(request), "id"))
        if mail is None or mail.unsubscribe_url is None:
            raise ValueError("no such mail, or it offers no one-click unsubscribe")
        return {"status": await self._house.postman.one_click(mail.unsubscribe_url)}

    async def phones(self, _: web.Request) -> dict[str, Any]:
        config = self._house.config
        phones = [{"name": p.name, "number": p.number, "email": p.email, "rings": p.rings} for p in config.phones]
        return {"phones": phones, "beside": config.beside}

    async def people(self, _: web.Request) -> dict[str, Any]:
        return {"version": self._house.screen.version, "people": self._house.screen.people()}

    async def thread(self, request: web.Request) -> dict[str, Any]:
        return {"bubbles": self._house.screen.thread(request.query["number"])}

    async def mailbox(self, request: web.Request) -> dict[str, Any]:
        return {"mails": self._house.screen.mailbox(request.query["address"].lower())}

    async def mail(self, request: web.Request) -> dict[str, Any]:
        mail = self._house.screen.find_mail(request.query["id"])
        if mail is None:
            raise ValueError("no such mail")
        return mail.as_json()

    async def changes(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events: the screen's version, each time it has changed (ten times a second at most)."""
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await stream.prepare(request)
        seen = -1
        try:
            while not self._house.closing:
                if await self._house.screen.wait(seen, min(1.0, _BEAT_SECONDS)):
                    seen = self._house.screen.version
                    await stream.write(f"data: {seen}\n\n".encode())
                else:
                    await stream.write(b": still here\n\n")
                await self._house.pause(0.1)
        except ConnectionError:
            pass
        return stream


def _said(handler: Callable[[web.Request], Awaitable[dict[str, Any]]]) -> Callable[..., Awaitable[web.Response]]:
    async def said(request: web.Request) -> web.Response:
        try:
            data, status = await handler(request), 200
        except KeyError as error:
            data, status = {"error": f"{error.args[0]} is missing"}, 400
        except (ValueError, TypeError) as error:
            data, status = {"error": str(error)}, 400
        return web.Response(text=json.dumps(data), status=status, content_type="application/json")

    return said


async def _object(request: web.Request) -> dict[str, Any]:
    data = json.loads(await request.read() or b"{}")
    if not isinstance(data, dict):
        raise ValueError("a JSON object is needed")
    return data


def _string(data: dict[str, Any], name: str, empty: bool = False) -> str:
    value = data.get(name, "" if empty else None)
    if not isinstance(value, str) or not (value or empty):
        raise ValueError(f"{name} must be a string")
    return value
