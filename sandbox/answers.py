"""Spoiling answers: how a fault reaches the client over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import web

from sandbox.faults import AFTER, BEFORE, Fault, Kind, Plan

Trouble = Callable[[Fault], web.Response]
"""A provider's own way to say 429, 5xx or no."""


async def before(request: web.Request, plan: Plan, trouble: Trouble) -> web.Response | None:
    """Play what happens before anything is accepted; an answer here means that nothing was."""
    if plan.latency:
        await asyncio.sleep(plan.latency)
    fault = plan.first(BEFORE)
    if fault is None:
        return None
    if fault.kind is Kind.DROP_BEFORE:
        return hang_up(request)
    return trouble(fault)


async def after(request: web.Request, plan: Plan, answer: web.Response, trouble: Trouble) -> web.StreamResponse:
    """Hand the answer over, or spoil it."""
    fault = plan.first(AFTER)
    if fault is None:
        return answer
    whole = answer.body if isinstance(answer.body, bytes) else b""
    match fault.kind:
        case Kind.ERROR_AFTER:
            return trouble(fault)
        case Kind.TRUNCATED:
            return web.Response(status=answer.status, body=whole[: len(whole) // 2], content_type=answer.content_type)
        case Kind.TORN:
            return await _torn(request, answer, whole)
        case Kind.HANG:
            await _outwait(request, fault.seconds)
    return hang_up(request)


def hang_up(request: web.Request) -> web.Response:
    """Cut the connection without an answer; what is returned is never seen."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


async def _torn(request: web.Request, answer: web.Response, whole: bytes) -> web.StreamResponse:
    half = web.StreamResponse(status=answer.status)
    half.content_type = answer.content_type
    # An empty answer (SendGrid's 202) still has to promise a byte that never comes.
    half.content_length = max(len(whole), 1)
    await half.prepare(request)
    await half.write(whole[: len(whole) // 2])
    await asyncio.sleep(0)
    if request.transport is not None:
        request.transport.close()
    return half


async def _outwait(request: web.Request, seconds: float) -> None:
    """Wait until the client gives up, `seconds` at most."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while loop.time() < end and request.transport is not None and not request.transport.is_closing():
        await asyncio.sleep(min(0.1, max(0.0, end - loop.time())))
