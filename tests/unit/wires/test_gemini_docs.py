"""docs/reference/gemini.md has every row of the tables that the code goes by."""

from pathlib import Path

from portico.wires.gemini import tables

PAGE = (Path(__file__).parents[3] / "docs/reference/gemini.md").read_text("utf-8")


def rows(heading: str) -> list[list[str]]:
    """The cells of the tables below a heading, without marks, up to the next heading."""
    section = PAGE.split(f" {heading}\n", 1)[1].split("\n#", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    cells = [[cell.strip().strip("`<>") for cell in line.split("|")[1:-1]] for line in lines]
    return [row for row in cells if set(row[0]) != {"-"}]


def test_every_rule_is_documented_with_its_source() -> None:
    found = [[*row[:2], row[3]] for row in rows("Requests from another wire")[1:]]
    assert found == [[rule.what, rule.fate, rule.source] for rule in tables.RULES_LIST]
    for rule in tables.RULES_LIST:
        assert f"| {rule.how} |" in PAGE


def test_the_finish_reasons_are_documented_with_their_source() -> None:
    found = rows("Finish reasons")[1:]
    words = [[word, reason.value, source] for word, reason, source in tables.STOP_WORDS]
    back = [[reason.value, word] for reason, word in tables.STOP_TO_WORD.items()]
    assert found[: len(words)] == words
    assert found[len(words) + 1 :] == back


def test_the_efforts_are_documented() -> None:
    found = rows("Reasoning")[1:]
    efforts = [[word, level, str(budget)] for word, (level, budget) in tables.EFFORTS.items()]
    assert found[: len(efforts)] == efforts
    models = found[len(efforts) + 1 :]
    assert [row[0] for row in models] == [row.prefix or "anything else" for row in tables.THINKERS]
    for row, thinker in zip(models, tables.THINKERS, strict=True):
        for level in thinker.levels:
            assert level in row[1]
        for tokens in thinker.budget or ():
            assert str(tokens) in row[1]
        assert ("turns it off" in row[1]) is thinker.can_stop
    assert {level for level, _ in tables.EFFORTS.values()} <= set(tables.LEVELS)


def test_the_service_tiers_are_documented() -> None:
    assert rows("Service tier")[1:] == [list(row) for row in tables.SERVICE_TIERS.items()]


def test_the_errors_are_documented() -> None:
    found = [row[:2] for row in rows("Errors")]
    for status, word in tables.ERROR_WORD.items():
        assert [str(status), word] in found
    for table in (tables.ERROR_BY_REASON, tables.ERROR_BY_WORD):
        for word, kind in table.items():
            assert [word, kind.code] in found
    for status, kind in tables.ERROR_BY_STATUS.items():
        assert [str(status), kind.code] in found
