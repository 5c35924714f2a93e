"""Keeps the SDKs from logging: Twilio's logs phone numbers at INFO, SendGrid's its key and the payload at DEBUG."""

from __future__ import annotations

import logging

_TALKATIVE = (
    "twilio",
    "twilio.http_client",
    "twilio.async_http_client",
    "sendgrid",
    "python_http_client",
    "python_http_client.client",
    "urllib3",
    "urllib3.connectionpool",
)


def silence() -> None:
    """Shut the SDKs' loggers, whatever the level of the root logger.

    Each by name as well as by parent: a logging configuration that sets the parent's level would open the child again.
    """
    for name in _TALKATIVE:
        logger = logging.getLogger(name)
        logger.setLevel(logging.CRITICAL + 1)
        logger.propagate = False
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())
