"""docs/reference/anthropic.md has every row of the tables that the code goes by."""

from pathlib import Path

from portico.wires.anthropic_messages import tables

PAGE = (Path(__file__).parents[3] / "docs/reference/anthropic.md").read_text("utf-8")


def rows(heading: str) -> list[list[str]]:
    """The cells of the tables below a heading, without marks, up to the next heading."""
    section = PAGE.split(f" {heading}\n", 1)[1].split("\n#", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    cells = [[cell.strip().strip("`<>") for cell in line.split("|")[1:-1]] for line in lines]
    return [row for row in cells if set(row[0]) != {"-"}]


def test_the_stop_reasons_are_documented_with_their_source() -> None:
    found = [[word, reason.value, source] for word, reason, source in tables.STOP_WORDS]
    assert rows("Stop reasons")[1:] == found


def test_the_unsupported_sampling_is_documented() -> None:
    found = [(row[0], row[1].split()[0]) for row in rows("Sampling that Anthropic does not know")]
    assert found[1:] == [(rule.field, rule.fate) for rule in tables.UNSUPPORTED]


def test_the_refused_members_are_documented() -> None:
    found = rows("Members without which the answer would be another")[1:]
    assert [row[0] for row in found] == list(tables.FOREIGN_REFUSED)
    assert all(row[1].startswith("refused") for row in found)


def test_the_efforts_are_documented() -> None:
    found = rows("Reasoning effort")[1:-1]
    assert found == [
        [effort, tables.EFFORTS[effort], str(tables.BUDGETS[effort])] for effort in tables.EFFORTS
    ]
    assert tables.BUDGETS.keys() == tables.EFFORTS.keys()


def test_the_service_tiers_are_documented() -> None:
    assert rows("Service tier")[1:-1] == [list(row) for row in tables.SERVICE_TIERS.items()]


def test_the_errors_are_documented() -> None:
    found = [row[:2] for row in rows("Errors")]
    for status, word in tables.ERROR_WORD.items():
        assert [str(status), word] in found
    for word, kind in tables.ERROR_BY_TYPE.items():
        assert [word, kind.code] in found
    last = {status: row[1] for row in found for status in row[0].split(", ")}
    for status, kind in tables.ERROR_BY_STATUS.items():
        assert last[str(status)] == kind.code
