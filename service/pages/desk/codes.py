"""One-time codes from an app on the phone (TOTP), and the picture that sets the app up."""

from __future__ import annotations

import io
from datetime import datetime

import pyotp
import segno
from markupsafe import Markup

_STEP = 30
_EITHER_SIDE = 1
"""Steps that a phone's clock may be off."""


def new_secret() -> str:
    return pyotp.random_base32()


def step_of(secret: str, code: str, real_now: datetime) -> int | None:
    """The step that `code` belongs to; None when it is wrong. The caller sees to it that a step is used once."""
    plain = "".join(code.split())
    now = int(real_now.timestamp()) // _STEP
    totp = pyotp.TOTP(secret)
    found = None
    for step in range(now - _EITHER_SIDE, now + _EITHER_SIDE + 1):
        if pyotp.utils.strings_equal(totp.at(step * _STEP), plain):
            found = step
    return found


def picture(secret: str, email: str, clinic: str) -> Markup:
    """The QR code that an authenticator app reads, as SVG."""
    address = pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=clinic)
    drawn = io.BytesIO()
    segno.make(address, error="m").save(
        drawn, kind="svg", xmldecl=False, svgns=True, scale=5, border=4, dark="#000", light="#fff", omitsize=True,
        title="QR code for your authenticator app", svgclass="qr", lineclass=None,
    )  # fmt: skip
    return Markup(drawn.getvalue().decode())  # noqa: S704 - segno's own drawing; the address is only dots in it
