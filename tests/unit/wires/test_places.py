"""A refusal names the member as the caller wrote it."""

import pytest

from portico.contract.conversation import Conversation, Text, Turn
from portico.contract.errors import InvalidRequest
from portico.wires.places import in_words_of

SYSTEM = Turn(role="system", parts=(Text(text="Be brief"),))
USER = Turn(role="user", parts=(Text(text="Hi"),))


@pytest.mark.parametrize(
    ("wire", "turns", "field", "named"),
    [
        ("openai_chat", (SYSTEM, USER), "stop", "stop"),
        ("openai_chat", (SYSTEM, USER), "messages[1].content[0]", "messages[1].content[0]"),
        ("anthropic_messages", (USER,), "stop", "stop_sequences"),
        ("anthropic_messages", (USER,), "tools[0]", "tools[0]"),
        ("anthropic_messages", (USER,), "messages[0].content", "messages[0].content"),
        ("anthropic_messages", (SYSTEM, USER), "messages[1].content[2]", "messages[0].content[2]"),
        ("anthropic_messages", (SYSTEM, USER), "messages[0].content", "system"),
    ],
)
def test_a_refused_member_is_named_as_the_caller_has_it(
    wire: str, turns: tuple[Turn, ...], field: str, named: str
) -> None:
    talk = Conversation(wire=wire, turns=turns)
    refused = in_words_of(talk, InvalidRequest(f"`{field}` cannot be sent.", field=field))
    assert (refused.field, refused.message) == (named, f"`{named}` cannot be sent.")


def test_a_refusal_that_names_no_member_stays_as_it_is() -> None:
    refused = InvalidRequest("No.")
    assert in_words_of(Conversation(wire="anthropic_messages", turns=(USER,)), refused) is refused
