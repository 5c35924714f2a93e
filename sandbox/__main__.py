"""``python -m sandbox``: the stand-ins as a process of their own."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
from pathlib import Path

from sandbox.config import Config, Delays, parse_phones
from sandbox.server import serve
from service import time


def main() -> None:
    options = _parser().parse_args()
    if options.clock_file is not None:
        time.use_clock_file(options.clock_file, options.speed)
    asyncio.run(_run(_config(options)))


async def _run(config: Config) -> None:
    loop = asyncio.get_running_loop()
    task = loop.create_task(serve(config))
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _config(options: argparse.Namespace) -> Config:
    base = Config()
    return Config(
        account_sid=options.account_sid,
        auth_token=options.auth_token,
        sendgrid_key=options.sendgrid_key,
        callback_base=options.callback_base.rstrip("/"),
        host=options.host,
        port=options.port,
        sender=options.sender,
        messaging_service_sid=options.messaging_service_sid or base.messaging_service_sid,
        phones=options.phones,
        beside=options.beside,
        ledger_path=options.ledger,
        key_path=options.key_file,
        seed=options.seed,
        magic=not options.no_magic,
        delays=Delays(sent=options.sent_delay, delivered=options.delivered_delay),
    )


def _parser() -> argparse.ArgumentParser:
    base = Config()
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--host", default=base.host)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--account-sid", default=base.account_sid)
    parser.add_argument("--auth-token", default=base.auth_token)
    parser.add_argument("--sendgrid-key", default=base.sendgrid_key)
    parser.add_argument("--callback-base", default=base.callback_base, help="where the service listens")
    parser.add_argument("--sender", default=base.sender, help="the number texts come from")
    parser.add_argument("--messaging-service-sid")
    parser.add_argument("--phones", type=parse_phones, default=(), help="Patient=+1…/address,Clinician=+1…")
    parser.add_argument("--beside", default="", help="show this address beside the phones")
    parser.add_argument("--ledger", type=Path, help="append accepted messages to this file, one JSON line each")
    parser.add_argument("--key-file", type=Path, help="keep the webhook signing key here")
    parser.add_argument("--seed", type=int, default=0, help="for the faults' dice")
    parser.add_argument("--no-magic", action="store_true", help="treat magic numbers like any other")
    parser.add_argument("--sent-delay", type=float, default=base.delays.sent, help="real seconds")
    parser.add_argument("--delivered-delay", type=float, default=base.delays.delivered, help="real seconds")
    parser.add_argument("--clock-file", type=Path, help="follow the service's fast clock")
    parser.add_argument("--speed", type=float, default=1.0, help="speed of the clock, if the file must be made")
    return parser


if __name__ == "__main__":
    main()
