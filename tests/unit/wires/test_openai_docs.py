"""docs/reference/openai.md has every row of the tables that the code goes by."""

from pathlib import Path

import pytest

from portico.contract.usage import StopReason
from portico.wires.losses import Losses
from portico.wires.openai_chat import failures, tables
from portico.wires.openai_chat.message_writer import refuse
from portico.wires.openai_chat.tables import DROPPED

PAGE = (Path(__file__).parents[3] / "docs/reference/openai.md").read_text("utf-8")


def rows(heading: str) -> list[list[str]]:
    """The cells of the table below a heading, without marks, but for its head."""
    section = PAGE.split(f" {heading}\n", 1)[1].split("\n#", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip().strip("`<>") for cell in line.split("|")[1:-1]] for line in lines][2:]


def test_every_rule_of_translation_is_documented_word_for_word() -> None:
    documented = [row for row in rows("Requests from another wire") if len(row) == 4]
    assert documented == [
        [rule.what, rule.fate, rule.how, rule.source] for rule in tables.UNSUPPORTED
    ]


def test_every_stop_reason_is_documented() -> None:
    documented = {row[0]: row[1] for row in rows("Stop reasons")}
    assert documented.keys() == {*tables.STOP_READ, "any other"}
    for word, reason in tables.STOP_READ.items():
        assert documented[word].split(",")[0] == reason.value


def test_every_reason_can_be_written() -> None:
    assert tables.STOP_WRITE.keys() == set(StopReason)


def test_every_word_and_status_of_an_upstreams_error_is_documented() -> None:
    text = "\n".join(row[0] for row in rows("Errors"))
    for word in (*failures.BY_WORD, *map(str, failures.BY_STATUS)):
        assert word in text


def test_only_what_the_table_says_can_be_dropped_or_refused() -> None:
    with pytest.raises(LookupError):
        Losses(False, DROPPED).drop("stop")
    with pytest.raises(LookupError):
        refuse("cache", "messages")
