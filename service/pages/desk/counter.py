"""How many texts what somebody is typing will cost; `counted` in parts.html asks while they type."""

from __future__ import annotations

from flask import request
from werkzeug.wrappers import Response as AnyResponse

from service.care.roles import Permission
from service.care.segments import count
from service.pages.desk import look
from service.pages.desk.door import Room
from service.pages.desk.who import Who

room = Room("counter")


@room.post("/count", may=Permission.WORK)
def show(who: Who) -> AnyResponse:
    """The textarea's own name comes with it, so the one value there is is the text."""
    text = next((value for name, value in request.form.items() if name != "csrf_token"), "")
    return look.page(who, "count.html", cost=count(text.replace("\r\n", "\n")))
