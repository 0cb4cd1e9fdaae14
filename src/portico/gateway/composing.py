"""Which release serves a call, and what that puts before the caller's own words."""

from collections.abc import Sequence

from portico.contract.call import ContextDocument, Principal, WireRequest
from portico.contract.errors import InvalidRequest
from portico.contract.wires import Door
from portico.gateway.call import Call
from portico.gateway.keeping import Keeping
from portico.gateway.live import Live
from portico.gateway.observing import Observer
from portico.gateway.shelf import Route, Serving
from portico.operations.assignment import choose
from portico.security.access import authorize_pin


def assign(call: Call, who: Principal, route: Route, at: Live) -> Route:
    """The release that serves: the pinned one, the candidate or the live one."""
    pin, workload = call.pin, route.workload
    if pin:
        authorize_pin(who, workload.name, named=route.named)
    elif not (route.named and workload.candidate):
        return route
    session = call.trail.receipt.session or call.id
    choice = choose(at.standings[workload.name], session, pin)
    if choice.how == "live":
        return route
    route = at.served_by(workload.name, choice.release)
    call.trail.assign(route, choice.how)
    return route


def compose(call: Call, route: Route, at: Live, observer: Observer) -> WireRequest:
    """The release's prompt goes before the call's own messages; a call's own prompt is named.

    Raises InvalidRequest naming a variable that is missing, unknown or of another type.
    """
    request = call.request
    assert request is not None
    if route.workload.transcripts and request.operation == "chat":
        call.keeping = Keeping(request.body, call.arrival.headers.get(b"x-portico-options", b""))
    if route.serving is not None:
        if request.operation != "chat":
            raise InvalidRequest(
                f"The workload '{route.workload.name}' puts a prompt before its calls, and "
                f"{request.operation} take none. Name a workload without one, or a model.",
                field="model",
            )
        call.request = rendered(route.serving, request, call.door)
        call.trail.prompted(route.serving.prompt, "registered", added(request, call.request))
        call.trail.mark("render")
        return call.request
    if request.system:
        seen = observer.see(route.workload.name, request.system)
        adopted = at.adopted.get(seen)
        if adopted is not None:
            call.trail.prompted(adopted, "adopted")
        elif seen:
            call.trail.observed(seen)
    return request


def rendered(serving: Serving, request: WireRequest, door: Door) -> WireRequest:
    """The request with the prompt's turns and settings."""
    options = request.options
    context = documents(options.context) if options.context else ()
    turns = serving.template.render(options.variables, context)
    return serving.dresser(door)(request, turns)


def documents(context: Sequence[str | dict[str, str]]) -> tuple[ContextDocument, ...]:
    """Raises InvalidRequest naming the document that has no text, or more than id and text."""
    found: list[ContextDocument] = []
    for index, each in enumerate(context):
        if isinstance(each, str):
            found.append(ContextDocument(each))
            continue
        if "text" not in each or each.keys() - {"id", "text"}:
            raise InvalidRequest(
                f"'portico.context[{index}]' is a text or an object with 'text' and perhaps 'id'.",
                field=f"portico.context[{index}]",
            )
        found.append(ContextDocument(each["text"], each.get("id", "")))
    return tuple(found)


def added(before: WireRequest, after: WireRequest) -> tuple[str, ...]:
    """The members that the release set, in the words of the wire that was called."""
    if len(before.members) == len(after.members):
        return ()
    named = {name for name, *_ in before.members}
    return tuple(name for name, *_ in after.members if name not in named and name != "system")
