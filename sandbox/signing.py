"""How SendGrid signs its webhooks: ECDSA P-256 over timestamp + raw body."""

from __future__ import annotations

import base64
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

SIGNATURE_HEADER = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP_HEADER = "X-Twilio-Email-Event-Webhook-Timestamp"


class SigningKey:
    """One key pair, as SendGrid makes it for an account's webhook settings."""

    def __init__(self, path: Path | None = None) -> None:
        self._private = _load_or_create(path)
        der = self._private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.public = base64.b64encode(der).decode()
        """Base64 of the DER public key: the form SendGrid's settings page shows and its SDK takes."""

    def headers(self, timestamp: str, body: bytes) -> dict[str, str]:
        """The two headers for `body`, sent at `timestamp` (whole seconds since 1970)."""
        signature = self._private.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        return {SIGNATURE_HEADER: base64.b64encode(signature).decode(), TIMESTAMP_HEADER: timestamp}


def _load_or_create(path: Path | None) -> ec.EllipticCurvePrivateKey:
    if path is not None and path.exists():
        key = load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError("the sandbox's signing key must be an elliptic curve key")
        return key
    key = ec.generate_private_key(ec.SECP256R1())
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        path.chmod(0o600)
    return key
