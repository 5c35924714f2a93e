"""What somebody knows their own browser by: "Firefox on Windows"."""

from __future__ import annotations

_BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser", "Samsung Internet"), ("Firefox", "Firefox"),
             ("FxiOS", "Firefox"), ("CriOS", "Chrome"), ("Chrom", "Chrome"), ("Safari", "Safari"))  # fmt: skip
"""The first that is named wins: most name those they descend from as well."""
_SYSTEMS = (("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"),
            ("CrOS", "Chromebook"), ("Mac OS", "Mac"), ("Linux", "Linux"))  # fmt: skip


def device_of(user_agent: str) -> str:
    """A few words of ours, never the header's own."""
    browser = next((name for sign, name in _BROWSERS if sign in user_agent), "A browser")
    system = next((name for sign, name in _SYSTEMS if sign in user_agent), None)
    return browser if system is None else f"{browser} on {system}"
