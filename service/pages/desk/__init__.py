"""The desk: where a clinic works. This is how a room is added to it.

**A module.** `service/pages/desk/<room>.py`. It may import `door`, `look`, `forms`, `who` and what every page may
(`service.records`, `service.care`, `service.context`); never another room. Name it in the contract "rooms of the desk"
in pyproject.toml and put its `room` into `rooms.py`, in the order of the menu::

    room = Room("replies", Nav("Replies", "/desk/replies", Permission.READ))


    @room.get("/replies", may=Permission.READ)
    def show(who: Who) -> AnyResponse:
        with reading(context().engine) as connection:
            found = replies.unseen(connection, context().sending.vault, who.clinic_id)
        return look.page(who, "replies.html", found=found)


    @room.post("/replies/<id:reply_id>/seen", may=Permission.WORK)
    def settle(who: Who, reply_id: int) -> AnyResponse:
        def work(connection: Connection) -> None:
            replies.mark_seen(connection, who.clinic_id, reply_id, who.name, time.now())
            note(connection, who, "reply.seen", f"reply {reply_id}")

        run(context().engine, work)
        look.said("Settled.")
        return go("/desk/replies")

**The door.** `get` and `post` are the only ways to add a route, and both ask who `may`. Whoever is not signed in goes
to the login, whoever may not gets a 403 that says who may; the token against forgery and the size of the body were
checked before. A GET changes nothing but the audit.

**Whose.** `clinic_id` comes from `who`, nowhere else; row ids in addresses are `<id:…>`. Records raise a plain
`LookupError` for a row that the clinic does not have, and the door makes a 404 of it, so that another clinic's rows
look like none.

**The audit.** Every page that shows anything of a patient begins its transaction (`run`, since it writes a line) with
`patient = reads(connection, who, patient_id)`; where no patient is chosen (a list, an alert) it calls
`note(connection, who, "alert.read", f"alert {alert_id}")`. Every change writes a `note` in its own transaction.

**Forms.** `class _Invite(Form)` with the fields of `forms.py`; `form = forms.posted(_Invite)`; on
`not form.validate()` show the page again with the same form and status 422. `look.said` shows a sentence on the page
that follows.

**The template.** `templates/desk/<room>.html` extends `base.html` and imports `parts.html` with context: `field`,
`errors`, `token`, `act`, `confirm`, `badge`, `urgency`, `empty`, `pager`, `live`, `counted`. There are no styles and no
scripts in it: the policy of the pages forbids both. Every template has `who`, `path`, `when(moment)`, `ago(moment)`,
`telephone`, `asset`, `Permission` (`who.may(Permission.WORK)` decides whether a button is shown at all) and
`role_names`. `cards.html` shows alerts and replies with all that can be done about them: pass it `cards.values(who)`.

**What stays live.** `list = look.part(who, "today_list.html", …)` is put into the page by
`parts.live("/desk/today/list", list, "Alerts")` and answered alone, at that address, by `@room.live` with
`look.fresh(list)`: 204 and nothing as long as it is the same. Asking for it does not keep a session alive. An element
with `data-say="1 new alert"` in it is read out.

**The tests.** `tests/desk/test_doors.py` finds every route by itself and tries each with every role, with nobody signed
in and with another clinic's ids; a new name of a path parameter wants a line in `tests/desk/ids.py`. `check_page` (in
`tests/desk/browser.py`) holds a page against WCAG 2.2 AA, a small phone, the keyboard and its weight.
"""
