"""Scenes of the way in: clinics' events, providers' receipts, patients' replies and answers."""

from __future__ import annotations

import json
import re

import pytest
import urllib3
from sqlalchemy import Connection

from sandbox.faults import Kind
from service import time
from service.care.lifecycle import Channel
from service.nudges import QueueName
from service.records import replies
from service.records.replies import Incoming
from tests.matrix.scene import Scene, WebScene, number_of, standing
from tests.processes import wait_until
from tests.promises.installation import Installation
from tests.promises.population import just_treated, once_each, phone, treat

STOP = "Please stop texting me. I have a high fever and it is getting worse"
"""Both at once: an opt-out, and words that a person must hear of."""
CLINIC = "+12025550100"
"""The clinic's own number, which hears of alerts while it has named nobody."""
_LINK = re.compile(r"http://[^ ]+/s/[0-9A-Za-z_-]+")
_FIELD = re.compile(r'<input type="(radio|checkbox)" name="([^"]+)" value="([^"]+)"')


class ListenerDies(Scene):
    """A patient writes STOP and a warning sign; a text to them is due."""

    victim = ("worker", "--queue", "listen")

    def arrange(self, place: Installation) -> None:
        treat(place.h, 0)

        def keep(connection: Connection) -> int | None:
            vault = place.h.parts.sending.vault
            text = Incoming("SM" + "0" * 32, Channel.SMS, phone(0), place.h.parts.settings.sms_sender, STOP)
            return replies.keep(connection, vault, text, time.now())

        place.h.parts.nudges.send(QueueName.LISTEN, [place.h.run(keep)])

    def seen(self, place: Installation) -> str:
        unread = number_of(place, "replies WHERE handled_at IS NULL")
        return f"unread: {unread}; alerts: {number_of(place, 'alerts')}; opted out: {opted_out(place)}"

    def go_on(self, place: Installation) -> None:
        place.clock()
        place.worker("listen")
        wait_until(lambda: opted_out(place) == 1, 20)
        place.worker()
        place.worker("urgent")

    def check(self, place: Installation) -> None:
        stopped_and_heard(place)


class ReplyIsPosted(WebScene):
    """The provider posts the same reply; it gets no answer, and posts it again."""

    def arrange(self, place: Installation) -> None:
        treat(place.h, 0)

    def post_in_vain(self, place: Installation) -> None:
        with pytest.raises(urllib3.exceptions.HTTPError):
            self.post(place)

    def seen(self, place: Installation) -> str:
        return f"replies: {number_of(place, 'replies')}; opted out: {opted_out(place)}"

    def go_on(self, place: Installation) -> None:
        web = place.serve()
        assert [self.post(place), self.post(place)] == [200, 200]
        # P1: from here on the STOP holds, whatever else happens.
        place.kill(web)
        place.clock()
        place.worker("listen")
        wait_until(lambda: opted_out(place) == 1, 20)
        place.worker()
        place.worker("urgent")

    def post(self, place: Installation) -> int:
        form = {"MessageSid": "SM" + "1" * 32, "From": phone(0), "To": place.h.parts.settings.sms_sender,
                "Body": STOP, "NumMedia": "0"}  # fmt: skip
        return place.as_twilio("/twilio/inbound", form)

    def check(self, place: Installation) -> None:
        assert number_of(place, "replies") == 1
        stopped_and_heard(place)


class ReceiptIsPosted(WebScene):
    """The provider reports that a text arrived; it gets no answer, and reports it again."""

    def arrange(self, place: Installation) -> None:
        place.h.sandbox.fault(Kind.NEVER)
        treat(place.h, 0)
        place.h.deliver_due()

    def post_in_vain(self, place: Installation) -> None:
        with pytest.raises(urllib3.exceptions.HTTPError):
            self.post(place)

    def seen(self, place: Installation) -> str:
        return f"receipts: {number_of(place, 'receipts')}; {standing(place)}"

    def go_on(self, place: Installation) -> None:
        place.serve()
        assert [self.post(place), self.post(place)] == [204, 204]

    def post(self, place: Installation) -> int:
        [entry] = place.h.handed_over()
        assert entry.status_callback is not None
        form = {"MessageSid": entry.id, "MessageStatus": "delivered", "To": entry.to}
        return place.as_twilio(entry.status_callback.removeprefix(place.web), form)

    def check(self, place: Installation) -> None:
        assert number_of(place, "receipts") == 1
        assert place.h.states("session-0")["welcome", "sms"] == ("delivered", "confirmed")
        assert place.handed_over() == once_each(1)


class EventIsPosted(WebScene):
    """A clinic posts a session; it gets no answer, and posts the same again."""

    def arrange(self, place: Installation) -> None:
        """Nothing is there yet."""

    def post_in_vain(self, place: Installation) -> None:
        with pytest.raises(urllib3.exceptions.HTTPError):
            place.post(0)

    def seen(self, place: Installation) -> str:
        return f"sessions: {number_of(place, 'sessions')}; plans: {number_of(place, PLANS)}"

    def go_on(self, place: Installation) -> None:
        place.serve()
        first, second = place.post(0), place.post(0)
        assert (first.status, second.status) == (202, 202)
        assert first.json() == second.json()
        place.clock()
        place.worker()

    def check(self, place: Installation) -> None:
        assert number_of(place, "sessions") == 1
        assert place.handed_over() == once_each(1)


class BatchIsPosted(WebScene):
    """A clinic posts 120 sessions in one request, of which 100 are a transaction; no line is answered."""

    lines = 120

    def arrange(self, place: Installation) -> None:
        events = [{"type": "session.completed", "data": just_treated(number)} for number in range(self.lines)]
        self.body = "\n".join(map(json.dumps, events))

    def post_in_vain(self, place: Installation) -> None:
        with pytest.raises(urllib3.exceptions.HTTPError):
            self.post(place)

    def seen(self, place: Installation) -> str:
        return f"sessions: {number_of(place, 'sessions')}; plans: {number_of(place, PLANS)}"

    def go_on(self, place: Installation) -> None:
        place.serve()
        first, second = self.post(place), self.post(place)
        assert first == second
        assert [one["status"] for one in first] == [202] * self.lines
        place.clock()
        place.worker()

    def post(self, place: Installation) -> list[dict[str, object]]:
        answer = place.signed("/v1/events/batch", self.body, "batch-1", "application/x-ndjson")
        return [json.loads(line) for line in answer.data.splitlines()]

    def check(self, place: Installation) -> None:
        assert number_of(place, "sessions") == self.lines
        assert place.handed_over() == once_each(self.lines)


class SurveyIsSent(WebScene):
    """A patient sends the first survey; the page does not come back, and they send it again."""

    def arrange(self, place: Installation) -> None:
        treat(place.h, 0)
        place.h.deliver_due()
        [entry] = place.h.handed_over()
        link = _LINK.search(entry.body)
        assert link is not None
        self.link = link.group()

    def post_in_vain(self, place: Installation) -> None:
        page = place.ask("GET", self.link).data.decode()
        self.chosen = {name: value for _, name, value in reversed(_FIELD.findall(page))}
        assert self.chosen
        with pytest.raises(urllib3.exceptions.HTTPError):
            self.post(place)

    def seen(self, place: Installation) -> str:
        return f"answered surveys: {number_of(place, ANSWERED)}"

    def go_on(self, place: Installation) -> None:
        place.serve()
        assert [self.post(place), self.post(place)] == [303, 303]
        place.clock()
        place.worker()

    def post(self, place: Installation) -> int:
        return place.ask("POST", self.link, fields=self.chosen, encode_multipart=False, redirect=False).status

    def check(self, place: Installation) -> None:
        assert number_of(place, ANSWERED) == 1
        assert place.handed_over() == once_each(1)


PLANS = "(SELECT DISTINCT session_id FROM messages) AS planned"
ANSWERED = "responses WHERE completed_at IS NOT NULL"


def opted_out(place: Installation) -> int:
    return number_of(place, "consents WHERE action = 'revoked'")


def stopped_and_heard(place: Installation) -> None:
    """The opt-out is on record once, nothing of the plan went out, one confirmation did; and the clinic was called
    once for each alert, of which there is one a cause."""
    causes = [row.cause for row in place.h.sql("SELECT cause FROM alerts")]
    assert causes
    assert len(causes) == len(set(causes))
    assert opted_out(place) == 1
    assert place.handed_over() == {phone(0): 1, CLINIC: len(causes)}
    assert number_of(place, "messages WHERE step = 'stop_confirm' AND handed_at IS NOT NULL") == 1
    waiting = "messages WHERE priority = 1 AND state IN ('planned', 'queued', 'sending')"
    assert number_of(place, f"{waiting} AND channel = 'sms'") == 0
