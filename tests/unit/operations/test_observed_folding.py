import json
from typing import Any

import pytest

from portico.contract.deployment import ObservedPrompt
from portico.operations.observed import Known, observe, restore
from portico.operations.observed.adoption import (
    Message,
    Said,
    adopt,
    adopted_text,
    cases_from,
    suite_text,
    values,
)
from portico.operations.observed.known import MOST_PROMPTS, MOST_TEXTS
from portico.operations.observed.words import LONGEST
from portico.operations.prompts.reading import read_prompt
from portico.operations.prompts.template import compile_prompt

GREETING = "You are a support agent. Today is {}. The customer is called {}. Be brief and kind."
ANNA = GREETING.format("2026-03-01", "Anna Smith")
BOB = GREETING.format("2027-11-23", "Bob")


def greeting() -> ObservedPrompt:
    known = Known("support")
    observe(known, ANNA, 1)
    return observe(known, BOB, 2).prompt


def test_the_first_text_is_new_and_the_same_text_is_not() -> None:
    known = Known("support")
    first, again = observe(known, ANNA, 5), observe(known, ANNA, 7)
    assert (first.new, again.new, again.changed) == (True, False, False)
    assert first.fingerprint == again.fingerprint
    assert len(first.fingerprint) == 16
    (kept,) = known.prompts()
    assert (kept.first_ns, kept.last_ns, kept.calls) == (5, 7, 2)


def test_values_become_numbered_slots_and_the_name_stays() -> None:
    known = Known("support")
    first = observe(known, ANNA, 1)
    second = observe(known, BOB, 2)
    assert (second.fingerprint, second.new, second.changed) == (first.fingerprint, False, True)
    assert second.prompt.text == GREETING.format("{{ value_1 }}", "{{ value_2 }}")
    third = observe(known, GREETING.format("2028-01-01", "Carla de la Cruz"), 3)
    assert (third.fingerprint, third.new, third.changed) == (first.fingerprint, False, False)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Be brief and kind.", "Be brief."),
        ("Be brief and kind.", "Be brief and kind. Never mention prices."),
        ("Be brief and kind.", "Be long and stern."),
        ("Be brief and kind.", "NEVER be brief and kind."),
        ("You are a support agent.", "You are a sales agent."),
        ("is called Bob.", "is called Bob. Offer a discount of your choice."),
    ],
)
def test_an_edit_of_the_wording_is_another_prompt(old: str, new: str) -> None:
    known = Known("support")
    observe(known, ANNA, 1)
    kept = observe(known, BOB, 2)
    edited = observe(known, BOB.replace(old, new), 3)
    assert edited.new
    assert edited.fingerprint != kept.fingerprint


def test_capitals_for_emphasis_are_not_names() -> None:
    known = Known("w")
    first = observe(known, "You must NEVER share the salaries of other people.", 1)
    second = observe(known, "You must ALWAYS share the salaries of other people.", 2)
    assert second.new
    assert first.fingerprint != second.fingerprint


def test_a_conversation_that_grows_is_a_value() -> None:
    known = Known("w")
    head = "Help the agent to answer. Be polite and short.\n\nConversation:\n"
    turns = ["Customer: where is it?", "Agent: let me look.", "Customer: thank you so much."]
    names = {observe(known, head + "\n".join(turns[:n]), n).fingerprint for n in (1, 2, 3)}
    assert len(names) == 1


def test_white_space_alone_makes_no_new_prompt() -> None:
    known = Known("w")
    first = observe(known, "Be brief and kind.\nAnswer in the user's language.", 1)
    second = observe(known, "\n  Be brief and kind. Answer in the user's  language.\n", 2)
    assert second.fingerprint == first.fingerprint


def test_a_text_beyond_the_bound_is_kept_by_its_ends() -> None:
    known = Known("w")
    text = "Answer from these documents only.\n" + "word " * 60_000 + "\nCite each of them."
    first = observe(known, text, 1)
    assert len(first.prompt.text) <= LONGEST + 20
    other = text.replace("word word word", "word other word", 9_000)
    assert observe(known, other[:200_000] + other[250_000:], 2).prompt is not None
    assert observe(known, text, 3).fingerprint == first.fingerprint


def test_no_more_prompts_and_texts_are_kept_than_the_bound() -> None:
    known = Known("w")
    words = ["alpha", "beta", "gamma", "delta", "omega", "sigma", "kappa"]
    for number in range(MOST_PROMPTS + 20):
        digits = [words[int(each, 7)] for each in _base7(number)]
        observe(known, f"please {' then '.join(digits)} it all {digits[-1]}", number)
    assert len(known.entries) == MOST_PROMPTS
    for number in range(MOST_TEXTS + 100):
        observe(known, GREETING.format(f"day {number}", "Bob"), number)
    assert len(known.texts) <= MOST_TEXTS


def _base7(number: int) -> str:
    return "0" if number == 0 else _base7(number // 7).lstrip("0") + str(number % 7)


def test_names_are_the_same_after_a_restart() -> None:
    known = Known("support")
    for text in (ANNA, BOB, "Translate all that the user says into French.", "Be a poet. Rhyme."):
        observe(known, text, 1)
    again = restore("support", known.prompts())
    for text in (ANNA, BOB, GREETING.format("2030-09-09", "Dmitri Volkov"), "Be a poet. Rhyme."):
        seen = observe(again, text, 9)
        assert not seen.new
        assert seen.fingerprint == observe(known, text, 9).fingerprint
    assert {each.fingerprint for each in again.prompts()} == set(known.entries)


def test_slots_are_filled_with_the_values_of_a_text() -> None:
    prompt = greeting()
    text = GREETING.format("2031-05-06", "Eun-ji Park")
    assert values(prompt, text) == {"value_1": "2031-05-06", "value_2": "Eun-ji Park"}
    assert values(prompt, text.replace("kind", "rude")) is None
    assert values(prompt, text.replace("Today is", "Today  is")) == {
        "value_1": "2031-05-06",
        "value_2": "Eun-ji Park",
    }


def test_an_adopted_file_renders_to_what_the_application_sent() -> None:
    known = Known("w")
    form = "Use {{% braces %}} and {{{{ these }}}}.\n--- user ---\nToday is {}. Ask {{{}}} or so."
    observe(known, form.format("2026-01-01", "Anna"), 1)
    sent = form.format("2027-02-02", "Bob")
    seen = observe(known, sent, 2)
    text = adopted_text(seen.prompt, "adopted")
    reading = read_prompt("prompts/adopted.md", {"prompts/adopted.md": text})
    assert reading.faults == ()
    assert reading.prompt is not None
    assert reading.prompt.observed == seen.fingerprint
    given = values(seen.prompt, sent)
    assert given is not None
    assert set(reading.prompt.untrusted) == set(given)
    (turn,) = compile_prompt(reading.prompt, "nonce").render(given, ())
    assert turn.role == "system"
    assert turn.text == sent


def test_an_adopted_prompt_says_where_it_comes_from() -> None:
    prompt = greeting()
    draft = adopt(prompt, "support")
    assert draft.observed == prompt.fingerprint
    assert draft.untrusted == ("value_1", "value_2")


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_cases_have_question_values_and_answer() -> None:
    system = Message("system", BOB)
    question = Message("user", "Where is my order?")
    said = [
        Said(call="call_1", messages=(system, question), answer="On its way."),
        Said(
            call="call_2",
            messages=(system, Message("user", "Hi"), Message("assistant", "Hello"), question),
            answer="Here.",
        ),
        Said(call="call_3", messages=(Message("system", "Be a poet."), question), answer="Rose"),
        Said(call="call_4", messages=(system, question), answer=" "),
    ]
    first, second = lines(cases_from(said, greeting()))
    assert first == {
        "id": "call_1",
        "input": "Where is my order?",
        "variables": {"value_1": "2027-11-23", "value_2": "Bob"},
        "expected": "On its way.",
    }
    assert [each["role"] for each in second["messages"]] == ["user", "assistant", "user"]
    assert "input" not in second


def test_the_suite_says_that_its_answers_are_not_checked() -> None:
    text = suite_text("support")
    assert text.startswith("# ")
    assert "not one that somebody found to be right" in text
    assert "kind: similarity" in text
