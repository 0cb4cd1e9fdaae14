"""What goes upstream of a call besides what its caller wrote: its release's prompt."""

from collections.abc import Sequence

from portico.contract.call import ContextDocument, WireRequest
from portico.contract.errors import InvalidRequest
from portico.contract.ports import Door
from portico.gateway.shelf import Serving


def rendered(serving: Serving, request: WireRequest, door: Door) -> WireRequest:
    """The request with the prompt's turns and settings.

    Raises InvalidRequest naming a variable that is missing, unknown or of another type.
    """
    options = request.options
    turns = serving.template.render(options.variables, documents(options.context))
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
