"""What a provider's refusal of a hand-over means for the send job."""

from __future__ import annotations

from service.care.provider_codes import CodeAction, action_for, is_known
from workers.gateways.handover import Outcome

_OUTCOMES: dict[CodeAction, Outcome] = {
    CodeAction.MARK_BAD_ADDRESS: Outcome.BAD_ADDRESS,
    CodeAction.RECORD_OPT_OUT: Outcome.OPTED_OUT,
    CodeAction.FIX_SETTINGS: Outcome.MISCONFIGURED,
    CodeAction.ALLOW_RECIPIENT: Outcome.NOT_ALLOWED,
    CodeAction.BACK_OFF: Outcome.BUSY,
    CodeAction.HOLD_TO_TOMORROW: Outcome.CAPPED,
    # These two come by callback; as an answer they would mean that the text was not taken.
    CodeAction.RETRY_ONCE: Outcome.REJECTED,
    CodeAction.BLOCKED: Outcome.REJECTED,
    CodeAction.FIX_TEMPLATE: Outcome.TOO_LONG,
    CodeAction.GIVE_UP: Outcome.REJECTED,
}


def outcome_of_refusal(status: int, code: str | int | None) -> Outcome:
    """What an answer other than 2xx means for a create call.

    Only a 4xx proves that the text was not taken, so everything else is ambiguous unless HTTP itself says otherwise.
    """
    if status in (301, 307, 308):
        return Outcome.MISCONFIGURED  # "ask over there": nothing was done here (RFC 9110, 15.4)
    if not 400 <= status < 500 or status == 408:
        return Outcome.AMBIGUOUS
    if is_known(code):
        return _OUTCOMES[action_for(code)]
    if status == 429:
        return Outcome.BUSY
    if status in (401, 403, 404, 405, 407):
        return Outcome.MISCONFIGURED  # key, permission, or an address that is not the API's: true of every message
    return Outcome.REJECTED
