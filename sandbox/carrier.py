"""What happens to a text after it was accepted, and how a phone's texts come in."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sandbox.config import Config
from sandbox.errors import BY_CALLBACK
from sandbox.faults import Kind, Plan
from sandbox.opt_outs import OptOuts
from sandbox.postman import Errand, Postman
from sandbox.screen import Bubble, Screen
from sandbox.texts import Text, Texts, new_sid, segments
from service import time


class Carrier:
    """Moves texts on, and reports each move as it was asked to."""

    def __init__(self, config: Config, texts: Texts, screen: Screen, postman: Postman, opt_outs: OptOuts) -> None:
        self._config = config
        self._texts = texts
        self._screen = screen
        self._postman = postman
        self._opt_outs = opt_outs

    def take(self, text: Text, plan: Plan) -> asyncio.Task[None]:
        """Start the life of an accepted text; every callback it will cause counts as pending from now on."""
        self._screen.show_text(text.to, Bubble(time.now(), False, text.sender or self._config.sender, text.body, text))
        moves = self._moves(text, plan)
        reported = bool(text.status_callback) and not plan.has(Kind.NEVER) and text.send_at is None
        promised = [self._postman.promise() for _ in moves] if reported else []
        return self._postman.start(self._live(text, plan, moves, promised))

    def opted_out(self, sender: str | None, service_sid: str | None, number: str) -> bool:
        return self._opt_outs.blocks(self._scope(sender, service_sid), number)

    def hear(self, number: str, to: str | None, body: str, media: Sequence[str] = ()) -> Text:
        """A text typed on the phone `number`: shown, kept, acted on if it is a keyword, and passed on."""
        last = self._screen.last_outbound(number)
        to = to or (last.sender if last else None) or self._config.sender
        service_sid = self._config.messaging_service_sid if to == self._config.sender else None
        now, stamp = time.now(), time.real_now()
        text = Text(
            new_sid(bool(media)),
            to,
            number,
            service_sid,
            body,
            "received",
            "inbound",
            stamp,
            stamp,
            sent=stamp,
            media=tuple(media),
            segments=segments(body),
        )
        self._texts.add(text)
        self._screen.show_text(number, Bubble(now, True, to, body, text, text.media))
        said = self._opt_outs.hear(self._scope(to, service_sid), number, body)
        if said is not None:
            self._screen.show_text(number, Bubble(now, False, to, said.value, None))
        self._postman.start(self._pass_on(text, self._postman.promise()))
        return text

    def _scope(self, sender: str | None, service_sid: str | None) -> str:
        if service_sid or sender == self._config.sender:
            return self._config.messaging_service_sid
        return sender or ""

    def _moves(self, text: Text, plan: Plan) -> list[tuple[float, str, int | None]]:
        """(real seconds after acceptance, status, error code) for each move."""
        delays = self._config.delays
        moves: list[tuple[float, str, int | None]] = []
        if self._config.verbose_callbacks:
            moves += [(0.0, "queued", None)] if text.status == "accepted" else []
            moves.append((0.0, "sending", None))
        fail = plan.find(Kind.FAIL)
        status = BY_CALLBACK.get(fail.code, "undelivered") if fail else "delivered"
        # "failed" means that it never left Twilio; "undelivered" that the carrier refused it.
        if status != "failed":
            moves.append((delays.sent, "sent", None))
        if not plan.has(Kind.STUCK):
            moves.append((delays.delivered, status, fail.code if fail else None))
        return moves

    async def _live(
        self, text: Text, plan: Plan, moves: Sequence[tuple[float, str, int | None]], promised: Sequence[Errand]
    ) -> None:
        early = plan.has(Kind.EARLY)
        if text.send_at is not None and not await self._reaches(text):
            return
        errands = list(promised)
        if text.send_at is not None and text.status_callback and not plan.has(Kind.NEVER):
            errands = [self._postman.promise() for _ in moves]
        late = plan.find(Kind.LATE)
        forms: list[dict[str, str]] = []
        reports: list[asyncio.Task[None]] = []
        passed = 0.0
        for (at, status, code), errand in zip(moves, [*errands, *[None] * (len(moves) - len(errands))], strict=True):
            if not early:
                await asyncio.sleep(max(0.0, at - passed))
                passed = max(at, passed)
            text.sender = text.sender or self._config.sender
            text.segments = text.segments or segments(text.body)
            text.move(status, code)
            self._screen.changed()
            if errand is None:
                continue
            form = self._form(text)
            forms.append(form)
            if late:
                reports.append(self._postman.start(self._report_later(late.seconds, text, form, plan, errand)))
            elif not plan.has(Kind.REVERSED):
                await self._report(text, form, plan, errand)
        if plan.has(Kind.REVERSED) and not late:
            for form, errand in zip(reversed(forms), reversed(errands), strict=True):
                await self._report(text, form, plan, errand)

    async def _reaches(self, text: Text) -> bool:
        """Wait for a scheduled text's moment on the service's clock; False if it was cancelled meanwhile."""
        while text.send_at is not None and time.now() < text.send_at:
            await asyncio.sleep(0.1)
            if text.status == "canceled":
                return False
        return True

    async def _report_later(self, seconds: float, text: Text, form: dict[str, str], plan: Plan, errand: Errand) -> None:
        await asyncio.sleep(seconds)
        await self._report(text, form, plan, errand)

    async def _report(self, text: Text, form: dict[str, str], plan: Plan, errand: Errand) -> None:
        for _ in range(2 if plan.has(Kind.DOUBLED) else 1):
            await self._postman.post_as_twilio(text.status_callback or "", form)
        self._postman.settle(errand)

    def _form(self, text: Text) -> dict[str, str]:
        form = {
            "AccountSid": self._config.account_sid,
            "ApiVersion": "2010-04-01",
            "From": text.sender or "",
            "MessageSid": text.sid,
            "MessageStatus": text.status,
            "SmsSid": text.sid,
            "SmsStatus": text.status,
            "To": text.to,
        }
        if text.service_sid:
            form["MessagingServiceSid"] = text.service_sid
        if text.error_code is not None:
            form["ErrorCode"] = str(text.error_code)
        if text.status in ("delivered", "undelivered"):
            # YYMMDDhhmm, as carriers write it in a delivery receipt.
            form["RawDlrDoneDate"] = text.updated.strftime("%y%m%d%H%M")
        return form

    async def _pass_on(self, text: Text, errand: Errand) -> None:
        form = {
            "AccountSid": self._config.account_sid,
            "ApiVersion": "2010-04-01",
            "Body": text.body,
            "From": text.sender or "",
            "FromCountry": "US",
            "MessageSid": text.sid,
            "NumMedia": str(len(text.media)),
            "NumSegments": str(text.segments),
            "SmsMessageSid": text.sid,
            "SmsSid": text.sid,
            "SmsStatus": "received",
            "To": text.to,
            "ToCountry": "US",
        }
        if text.service_sid:
            form["MessagingServiceSid"] = text.service_sid
        for n, url in enumerate(text.media):
            form[f"MediaUrl{n}"] = url
            form[f"MediaContentType{n}"] = "image/jpeg"
        await self._postman.post_as_twilio(f"{self._config.callback_base}/twilio/inbound", form)
        self._postman.settle(errand)
