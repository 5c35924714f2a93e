"""The provider: takes texts and mails, moves them on, tells of it, and knows afterwards what it took.

Its ledger is the witness: an entry is written at the instant of acceptance, whatever becomes of the answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

from sandbox.errors import AT_CREATE
from sandbox.ledger import Ledger
from sandbox.opt_outs import OptOuts
from service.care.lifecycle import Channel
from simulation.scheduler import SECOND, Scheduler
from simulation.story import Story
from simulation.weather import Weather
from workers.gateways.handover import EmailParcel, SmsParcel

LISTED_AFTER = 30.0
"""Seconds that the list of messages may lag behind an acceptance, at most."""

_UNDELIVERED = (("undelivered", "30003"), ("undelivered", "30008"), ("undelivered", "30005"), ("undelivered", "30006"),
                ("undelivered", "30007"), ("undelivered", "30004"), ("failed", "30001"), ("failed", "30022"),
                ("failed", "30023"), ("undelivered", None), ("failed", None))  # fmt: skip
_CHANCES = (12, 6, 1, 1, 2, 1, 2, 2, 1, 1, 1)
_MAIL_ENDS = ("bounce", "blocked", "dropped", "deferred", "spamreport", "unsubscribe")


@dataclass(slots=True)
class Taken:
    """A message that the provider accepted, and the truth about it."""

    seq: int
    """The ledger's."""
    commit: int
    """How many transactions had been committed then."""
    micros: int
    channel: Channel
    id: str
    token: str
    to: str
    sender: str
    body: str
    created: datetime
    listed_from: int
    status: str = "accepted"
    code: str | None = None
    reply_to: str | None = None
    """Of a mail: where its answers go."""
    moves: list[tuple[int, str, str | None]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the provider's API answers to a hand-over."""

    status: int
    code: str | None = None
    id: str | None = None
    retry_after: float | None = None


@dataclass
class Provider:
    """Both of them: texts and mails."""

    scheduler: Scheduler
    dice: Random
    story: Story
    commits: Callable[[], int]
    weather: Weather = field(default_factory=Weather)
    ledger: Ledger = field(default_factory=Ledger)
    opt_outs: OptOuts = field(default_factory=OptOuts)
    bad_numbers: set[str] = field(default_factory=set)
    taken: list[Taken] = field(default_factory=list)
    down_until: dict[Channel, int] = field(default_factory=lambda: dict.fromkeys(Channel, 0))
    """Until then nothing works; how, says `down_how`."""
    down_how: str = ""
    refuses: dict[Channel, str] = field(default_factory=dict)
    """A code that every hand-over of a channel is refused with: wrong settings, or the day's cap."""
    on_report: Callable[[Taken], None] = lambda _: None
    """The message has moved: a receipt is due."""
    on_arrival: Callable[[Taken], None] = lambda _: None
    """It is on somebody's screen."""
    _by_to: dict[str, list[Taken]] = field(default_factory=dict)
    _by_id: dict[str, Taken] = field(default_factory=dict)
    _dead_mail: set[str] = field(default_factory=set)

    def is_down(self, channel: Channel) -> bool:
        return self.scheduler.micros < self.down_until[channel]

    def take_text(self, parcel: SmsParcel) -> Answer:
        """What the API does with a create request that has arrived."""
        if code := self.refuses.get(Channel.SMS):
            return Answer(AT_CREATE[int(code)][0], code)
        if self.opt_outs.blocks(parcel.sender, parcel.to):
            return Answer(400, "21610")
        if parcel.to in self.bad_numbers:
            return Answer(400, "21211")
        token = parcel.status_callback.rpartition("a=")[2]
        taken = self._accept(Channel.SMS, f"SM{self.dice.getrandbits(128):032x}", token, parcel.to, parcel.sender,
                             parcel.body)  # fmt: skip
        self._live_text(taken, parcel.validity_seconds)
        return Answer(201, id=taken.id)

    def take_mail(self, parcel: EmailParcel) -> Answer:
        if code := self.refuses.get(Channel.EMAIL):
            return Answer(int(code), code)
        taken = self._accept(Channel.EMAIL, f"{self.dice.getrandbits(96):024x}", parcel.token, parcel.to, parcel.sender,
                             f"{parcel.subject}\n{parcel.text}")  # fmt: skip
        taken.reply_to = parcel.reply_to
        self._live_mail(taken)
        return Answer(202, id=taken.id)

    def listed(self, to: str) -> list[Taken]:
        """The texts to a number, as the list of messages shows them by now."""
        return [one for one in self._by_to.get(to, ()) if one.listed_from <= self.scheduler.micros]

    def fetch(self, message_id: str) -> Taken | None:
        return self._by_id.get(message_id)

    def by_token(self) -> dict[str, list[Taken]]:
        found: dict[str, list[Taken]] = {}
        for one in self.taken:
            found.setdefault(one.token, []).append(one)
        return found

    def _accept(self, channel: Channel, name: str, token: str, to: str, sender: str, body: str) -> Taken:
        now = self.scheduler.true()
        entry = self.ledger.accept(now, "twilio" if channel is Channel.SMS else "sendgrid", name, to, sender, body)
        lag = LISTED_AFTER * self.dice.random() ** 2
        taken = Taken(entry.seq, self.commits(), self.scheduler.micros, channel, name, token, to, sender, body, now,
                      self.scheduler.micros + int(lag * SECOND))  # fmt: skip
        self.taken.append(taken)
        self._by_to.setdefault(to, []).append(taken)
        self._by_id[name] = taken
        self.story.tell("accepted", channel.value, token, name)
        return taken

    def _live_text(self, taken: Taken, validity: int) -> None:
        dice = self.dice
        sent = dice.random() * 3
        if dice.random() < self.weather.carrier:
            status, code = dice.choices(_UNDELIVERED, _CHANCES)[0]
        else:
            status, code = "delivered", None
        final = sent + (dice.random() * 5 if dice.random() < 0.9 else dice.random() * 7200)
        if final > validity:
            # Twilio drops what is still in its queue when the validity is over.
            status, code, final = "failed", "30036", float(validity)
        if status != "failed" and dice.random() < 0.4:  # not every carrier says so
            self.scheduler.after(sent, lambda: self._move(taken, "sent", None))
        self.scheduler.after(final, lambda: self._move(taken, status, code))

    def _live_mail(self, taken: Taken) -> None:
        dice = self.dice
        if taken.to in self._dead_mail:
            end = "dropped"
        else:
            end = dice.choice(_MAIL_ENDS) if dice.random() < self.weather.carrier / 2 else "delivered"
        if end == "bounce":
            self._dead_mail.add(taken.to)
        first, last = dice.random() * 5, 5 + dice.random() * 60
        if end == "dropped":
            self.scheduler.after(first, lambda: self._move(taken, "dropped", "bounced"))
            return
        if dice.random() < 0.4:
            self.scheduler.after(first, lambda: self._move(taken, "processed", None))
        if end in ("spamreport", "unsubscribe"):
            self.scheduler.after(last, lambda: self._move(taken, "delivered", None))
            self.scheduler.after(last * 60, lambda: self._move(taken, end, None))
        elif end == "deferred":
            self.scheduler.after(last, lambda: self._move(taken, "deferred", None))
            self.scheduler.after(last * 60, lambda: self._move(taken, "delivered", None))
        else:
            self.scheduler.after(last, lambda: self._move(taken, end, None))

    def _move(self, taken: Taken, status: str, code: str | None) -> None:
        taken.status, taken.code = status, code
        taken.moves.append((self.scheduler.micros, status, code))
        self.story.tell("carrier", taken.token, status, code or "")
        self.on_report(taken)
        if status == "delivered":
            self.on_arrival(taken)
