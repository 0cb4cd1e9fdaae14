"""docs/reference/bedrock.md has every row of the tables that the code goes by."""

from pathlib import Path

import pytest

from portico.wires.bedrock_converse import families, tables
from portico.wires.bedrock_converse.block_writer import Writing, refuse
from portico.wires.bedrock_embeddings import FAMILIES

PAGE = (Path(__file__).parents[3] / "docs/reference/bedrock.md").read_text("utf-8")


def rows(heading: str) -> list[list[str]]:
    """The cells of the tables below a heading, without marks, but for the first head."""
    section = PAGE.split(f" {heading}\n", 1)[1].split("\n#", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    cells = [[cell.strip().strip("<>") for cell in line.split("|")[1:-1]] for line in lines]
    return [row for row in cells if set(row[0]) != {"-"}][1:]


def plain(heading: str) -> list[list[str]]:
    return [[cell.strip("`") for cell in row] for row in rows(heading)]


def test_every_rule_of_translation_is_documented_word_for_word() -> None:
    found = [[rule.what, rule.fate, rule.how, rule.source] for rule in tables.RULES]
    assert rows("Requests from another wire") == found
    assert len(tables.BY_WHAT) == len(tables.RULES)


def test_the_refused_members_are_documented() -> None:
    found = [[name, f"refused: {why}"] for name, why in tables.FOREIGN_REFUSED.items()]
    assert plain("Members without which the answer would be another") == found


def test_the_families_are_documented() -> None:
    words = {
        "thinking": "`thinking`, effort in `outputConfig.effort`",
        "nova": "`reasoningConfig`",
        "effort": "`reasoning_effort`",
        "": "dropped",
    }
    assert rows("Families of models") == [
        [
            f"`{row.prefix}`",
            f"`{'.'.join(row.top_k)}`" if row.top_k else "dropped",
            words[row.reasoning],
            row.source,
        ]
        for row in families.FAMILIES
    ]


def test_the_efforts_and_tiers_are_documented() -> None:
    assert plain("Effort of Nova") == [list(row) for row in families.NOVA_EFFORTS.items()]
    assert plain("Service tier") == [
        [tier, said or "nothing: the standard tier"] for tier, said in tables.SERVICE_TIERS.items()
    ]


def test_the_stop_reasons_are_documented_with_their_source() -> None:
    found = [[word, reason.value, source] for word, reason, source in tables.STOP_WORDS]
    assert plain("Stop reasons") == found


def test_the_errors_are_documented() -> None:
    found = [row[:2] for row in plain("Errors")]
    wanted = [
        *([str(status), word] for status, word in tables.ERROR_WORD.items()),
        *([word, kind.code] for word, kind in tables.ERROR_BY_TYPE.items()),
        *([str(status), kind.code] for status, kind in tables.ERROR_BY_STATUS.items()),
    ]
    assert [row for row in wanted if row not in found] == []
    assert len(found) == len(wanted) + 3


def test_the_embedding_families_are_documented() -> None:
    assert plain("Embeddings") == [
        [row.prefix, str(row.most_inputs), row.dimensions or "refused", row.source]
        for row in FAMILIES
    ]


def test_only_what_the_table_says_can_be_dropped_or_refused() -> None:
    with pytest.raises(LookupError):
        Writing(own=False).losses.drop("stop")
    with pytest.raises(LookupError):
        refuse("cache", "messages")
