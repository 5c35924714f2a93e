"""What RQ calls: one function a queue, each handed ids and nothing else.

A worker is wired once, before it takes its first job, and keeps its connections for as long as it lives.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from service.nudges import QueueName
from service.parts import Parts
from workers import listen as listening
from workers.compose import Composer
from workers.deliver import Deliverer
from workers.gateways.courier import Courier
from workers.gateways.email import SendGridGateway
from workers.gateways.handover import EmailParcel, SmsParcel
from workers.gateways.sms import TwilioGateway
from workers.hooks import WebhookPoster
from workers.importing import Importer, Rows
from workers.reconcile import Reconciler

log = logging.getLogger(__name__)


class JobFailed(Exception):
    """A job failed; by what is in the log, told by type and place."""


def _nothing() -> None:
    """There is nothing to let go of, or to hurry."""


@dataclass(frozen=True)
class _Wired:
    """What this process's jobs run on."""

    handle: Callable[[Sequence[int]], int]
    close: Callable[[], None] = _nothing
    stop: Callable[[], None] = _nothing
    """Lets the job that runs end soon."""


_wired: _Wired | None = None


def wire(queue: QueueName, parts: Parts, rows: Rows) -> None:
    """Build what the jobs of `queue` need. Call it once in a worker, after any fork.

    `rows` takes in what stands in files, by the door of the clinics' own events.
    """
    global _wired
    match queue:
        case QueueName.SMS | QueueName.EMAIL | QueueName.URGENT:
            _wired = _for_delivery(parts)
        case QueueName.RECONCILE:
            reconciler = Reconciler(parts, _twilio(parts))
            _wired = _Wired(reconciler.reconcile, reconciler.close)
        case QueueName.LISTEN:
            _wired = _Wired(lambda ids: listening.handle(parts.engine, parts.sending, parts.nudges, ids))
        case QueueName.HOOKS:
            poster = WebhookPoster(parts)
            _wired = _Wired(poster.deliver, poster.close)
        case QueueName.IMPORTS:
            _wired = _Wired(Importer(parts, rows).work_on)
    _settle_memory()


def close() -> None:
    """Finish what is in flight and let go of connections."""
    if _wired is not None:
        _wired.close()


def stop() -> None:
    """Let the job that runs end soon: this process is to end. A signal handler may call it."""
    if _wired is not None:
        _wired.stop()


def deliver(ids: Sequence[str]) -> int:
    return _handle(ids)


def reconcile(ids: Sequence[str]) -> int:
    return _handle(ids)


def listen(ids: Sequence[str]) -> int:
    return _handle(ids)


def post_webhooks(ids: Sequence[str]) -> int:
    return _handle(ids)


def take_in_files(ids: Sequence[str]) -> int:
    return _handle(ids)


def _handle(ids: Sequence[str]) -> int:
    if _wired is None:
        raise RuntimeError("this process is not a worker; start one with `aftercare worker --queue NAME`")
    try:
        return _wired.handle([int(one) for one in ids])
    except Exception as error:
        log.error("a job failed; the clock will nudge again", exc_info=error)
        # RQ keeps a failed job's traceback in Redis, words and all: a database's error quotes the rows it was given.
        raise JobFailed(type(error).__name__) from None


def _for_delivery(parts: Parts) -> _Wired:
    settings = parts.settings
    sms: Courier[SmsParcel] = Courier(_twilio(parts), in_flight=settings.sms_concurrency)
    email: Courier[EmailParcel] = Courier(
        SendGridGateway(
            settings.sendgrid_api_key.get_secret_value(),
            settings.sendgrid_url or None,
            concurrency=settings.email_concurrency,
            read_timeout=settings.provider_timeout_seconds,
        ),
        in_flight=settings.email_concurrency,
    )
    deliverer = Deliverer(settings, parts.engine, parts.sending, Composer(settings.public_url), sms, email)

    def close_both() -> None:
        sms.close()
        email.close()

    return _Wired(deliverer.deliver, close_both, deliverer.stop)


def _twilio(parts: Parts) -> TwilioGateway:
    settings = parts.settings
    return TwilioGateway(
        settings.twilio_account_sid,
        settings.twilio_auth_token.get_secret_value(),
        settings.twilio_url or None,
        concurrency=settings.sms_concurrency,
        read_timeout=settings.provider_timeout_seconds,
    )


def _settle_memory() -> None:
    """What is there by now stays as long as the process: the garbage collector need not go through it again and again.

    A batch makes thousands of small objects without a cycle among them, and at its default of 700 the collector would
    look at all of them, over and over.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
