"""The desk's cookie: a random token, signed, for the desk's own paths. No other page sets or reads one."""

from __future__ import annotations

from flask import Flask, Request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface

from service.records.sealing import Vault

FOLDER = "/desk"


class _DeskCookies(SecureCookieSessionInterface):
    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        # None is an empty session that cannot be written: no cookie and no `Vary` on what is not the desk's.
        return super().open_session(app, request) if is_desk(request.path) else None


def is_desk(path: str) -> bool:
    return path == FOLDER or path.startswith(FOLDER + "/")


def configure(app: Flask, vault: Vault, public_url: str) -> None:
    """Keys from the vault, so that every process signs alike and a rotation signs nobody out."""
    current, *older = vault.cookie_keys()
    secure = public_url.startswith("https://")
    app.session_interface = _DeskCookies()
    app.config.update(
        SECRET_KEY=current,
        SECRET_KEY_FALLBACKS=older,
        SESSION_COOKIE_NAME="__Secure-aftercare" if secure else "aftercare",
        SESSION_COOKIE_PATH=FOLDER,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=secure,
    )
