"""One call, top to bottom. Lines are stages; the rooms they call are pillars."""

import asyncio
import hashlib
import logging

from portico.contract.call import Principal, WireRequest
from portico.contract.errors import InternalFault, PorticoError, Unauthenticated
from portico.contract.own import OwnCall
from portico.contract.receipt import Receipt
from portico.contract.wires import Door
from portico.gateway import attempt as attempts
from portico.gateway import holding, reply
from portico.gateway.arrival import Arrival, Headers
from portico.gateway.attempt import Attempt
from portico.gateway.call import Call
from portico.gateway.composing import assign, compose
from portico.gateway.flow import Flow, exhaust
from portico.gateway.io import Io
from portico.gateway.live import Live
from portico.gateway.opening import idempotency_key, open_request
from portico.gateway.shelf import Route
from portico.gateway.trail import Trail
from portico.methods.places import place
from portico.performance.deadline import open_deadline
from portico.security.access import authorize
from portico.security.keys import authenticate

log = logging.getLogger("portico.gateway")


async def serve(
    arrival: Arrival, door: Door, at: Live, io: Io, own: tuple[OwnCall, str] | None = None
) -> Receipt | None:
    """Serves one call and settles it, whatever happens. `own` is one that Portico makes itself,
    with the release that it is to run under. None: the caller was never known."""
    call = Call(arrival, door, Trail(io.identity("call"), door.name, io.clock))
    try:
        who = identify(call, at, io, own)
        request = await read(call, at)
        route = admit(call, who, request, at, io)
        key = "" if own else idempotency_key(arrival, request.options)
        if not (key and await repeat(call, who, key, io)):
            request = compose(call, route, at, io.observer)
            await answer(call, route, request, io)
    except asyncio.CancelledError:
        await conclude(call, arrival.lifeline.explain(), io)
    except PorticoError as error:
        await conclude(call, error, io)
    except Exception as defect:  # noqa: BLE001 - the last door: the caller gets a readable error
        # without a traceback, which would quote content
        log.error("call %s met a defect: %s", call.id, place(defect))  # noqa: TRY400
        detail = {"type": type(defect).__name__}
        await conclude(call, InternalFault(attempts.DEFECT, detail=detail), io)
    finally:
        leave(call, io)
    return call.trail.receipt if call.trail.accountable else None


def identify(call: Call, at: Live, io: Io, own: tuple[OwnCall, str] | None) -> Principal:
    """Who calls. From here on the call leaves a receipt."""
    if own is not None:
        made, call.pin = own
        call.trail.originate(made)
        who = made.who
    else:
        now_ns = call.trail.receipt.received_ns
        who = authenticate(call.arrival.credential(), at.keys, at.pepper, now_ns, io.seen)
    call.trail.identify(who)
    return who


async def read(call: Call, at: Live) -> WireRequest:
    """The body, checked by its door's wire."""
    bounds = at.snapshot.bounds
    call.request = open_request(call.arrival, call.door, await call.arrival.body(bounds), bounds)
    if call.pin is None:
        call.pin = call.request.options.release or ""
    call.trail.describe(call.request)
    call.trail.mark("read")
    return call.request


def admit(call: Call, who: Principal, request: WireRequest, at: Live, io: Io) -> Route:
    """Which workload, release and model this is, whether the caller may, and in what time."""
    trail = call.trail
    route = at.route(request.model)
    trail.assign(route)
    authorize(who, route.workload.name, raw=route.raw)
    route = assign(call, who, route, at)
    call.deadline = open_deadline(route.workload, request.options.deadline_ms, trail.started)
    call.arm(begun=False)
    if not io.budgets.empty:
        route = holding.enter(call, who, route, at, io)
    trail.mark("admit")
    return route


async def repeat(call: Call, who: Principal, key: str, io: Io) -> bool:
    """Answers a call that carries the idempotency key of an answered one. False: a new call."""
    assert call.request is not None
    call.trail.idempotency(key)
    fingerprint = hashlib.sha256(call.request.body).digest()
    tape, ours = await io.repeats.claim((who.key, key), call.id, fingerprint)
    if ours:
        call.tapes += (tape,)
        return False
    call.trail.repeats(tape.call)
    await record(call, io)
    await tape.play(call.arrival, call.id, {b"idempotent-replayed": b"true"})
    return True


async def answer(call: Call, route: Route, request: WireRequest, io: Io) -> None:
    """One attempt: written, journaled, sent, settled."""
    trail = call.trail
    cap = trail.cap(request.max_output_tokens, route)
    upstream = io.upstreams[route.provider.kind]
    attempt = attempts.prepare(call, route, cap, upstream, io.identity("att"))
    trail.mark("prepare")
    if call.tab is not None:
        if (tape := holding.spare(call, attempt, io)) is not None:
            call.trail.kept(tape.call)
            await record(call, io)
            return await tape.play(call.arrival, call.id, holding.KEPT)
        await holding.hold(call, attempt, route, cap * request.choices, io)
    io.journal.intend(trail.intent(attempt.trail, cap * request.choices))
    trail.mark("journal")
    try:
        await (stream if request.stream else whole)(call, attempt, io)
    except BaseException as failure:  # whatever ends an attempt, it is paid for
        settle(call, attempt, io, failure)
        raise


async def whole(call: Call, attempt: Attempt, io: Io) -> None:
    """An answer in one piece: settled and recorded before its first byte leaves."""
    body = await attempts.whole(attempt, io.credentials)
    call.trail.mark("upstream")
    settle(call, attempt, io)
    receipt = await record(call, io)
    await call.reply(200, reply.closing(receipt), body)


async def stream(call: Call, attempt: Attempt, io: Io) -> None:
    """An answer in pieces: settled and recorded before its last byte leaves."""
    trail = call.trail
    source = await attempts.send(attempt, io.credentials)
    trail.mark("upstream")
    try:
        carrier = attempts.relay(attempt)
        call.broken = carrier.fail
        skim, chunks, flow = attempt.skim, source.chunks(), Flow(carrier, call)
        async for chunk in chunks:
            data = flow.feed(chunk)
            if skim.has_content and trail.receipt.first_token_us is None:
                trail.token(attempt.trail)
                call.arm(begun=True)
                flow.shorten(source)
            if data:
                if not call.arrival.begun:
                    await call.begin(head(call))
                await call.feed(data)
            if skim.complete or skim.failed is not None:
                break
        data = carrier.close()
        if skim.failed is not None:
            raise skim.failed
        trail.mark("stream")
        settle(call, attempt, io)
        receipt = await record(call, io)
        if not call.arrival.begun:
            await call.begin(head(call))
        await call.feed(data + carrier.finish(reply.member(receipt)), more=False)
        await exhaust(chunks)
    finally:
        await source.close()


def leave(call: Call, io: Io) -> None:
    """What is kept of the call beside its receipt."""
    for tape in call.tapes:
        tape.settle(answered=call.trail.receipt.status == "ok")
    holding.close(call, io)
    if call.keeping is not None:
        transcript = call.keeping.transcript(call.trail.receipt)
        if transcript is not None:
            io.notes.keep(transcript)


def head(call: Call) -> Headers:
    return [*reply.EVENTS, *reply.opening(call.trail.receipt)]


def settle(call: Call, attempt: Attempt, io: Io, failure: BaseException | None = None) -> None:
    """Prices the attempt, exactly once, and charges the budgets."""
    if call.trail.closed:
        return
    status = "ok" if failure is None else attempts.attempt_status(call.arrival.lifeline.reason)
    error = failure if isinstance(failure, PorticoError) else None
    settled = attempt.trail.settle(status, attempt.skim, error)
    call.trail.receipt.attempts += (settled,)
    holding.charge(call, attempt, settled, io)


async def record(call: Call, io: Io) -> Receipt:
    """The receipt of an answered call, in the journal before the caller has the answer."""
    receipt = call.trail.close("ok", degraded=io.journal.state().error)
    io.journal.record(receipt)
    holding.close(call, io)
    io.metrics.observe(receipt)
    if io.commit:
        await io.journal.committed()
    return receipt


async def conclude(call: Call, error: PorticoError, io: Io) -> None:
    """Records a call that got no answer, and tells its caller why if there still is one."""
    arrival, trail = call.arrival, call.trail
    reason = arrival.lifeline.reason
    if isinstance(error, Unauthenticated):
        io.metrics.unauthenticated.inc()
    if trail.accountable and not trail.closed:
        status = attempts.call_status(reason, bool(trail.receipt.attempts))
        receipt = trail.close(status, error)
        try:
            io.journal.record(receipt)
        except PorticoError:
            io.metrics.unrecorded.inc()
        holding.close(call, io)
        io.metrics.observe(receipt)
    if reason == "gone":
        return
    if not arrival.begun:
        await arrival.reply(*reply.refusal(error, call.id, call.door))
    elif call.broken is not None and trail.receipt.status != "ok":
        await arrival.end(call.broken(error))
