"""Days, weeks and months in a time zone."""

from datetime import UTC, datetime

import pytest

from portico.contract.budget import Period
from portico.cost.budgets.windows import QUARTER_NS, moment, quarter, window_of

HOUR_NS = 3600 * 10**9


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp()) * 10**9


@pytest.mark.parametrize(
    ("when", "per", "zone", "label", "starts", "ends"),
    [
        ("2026-11-23T12:00:00Z", "day", "UTC", "2026-11-23", "2026-11-23T00:00:00Z",
         "2026-11-24T00:00:00Z"),
        ("2026-11-23T23:30:00Z", "day", "Europe/Berlin", "2026-11-24",
         "2026-11-24T00:00:00+01:00", "2026-11-25T00:00:00+01:00"),
        ("2026-11-22T23:59:59Z", "week", "UTC", "2026-W47", "2026-11-16T00:00:00Z",
         "2026-11-23T00:00:00Z"),
        ("2027-01-01T00:00:00Z", "week", "UTC", "2026-W53", "2026-12-28T00:00:00Z",
         "2027-01-04T00:00:00Z"),
        ("2026-12-31T12:00:00Z", "month", "UTC", "2026-12", "2026-12-01T00:00:00Z",
         "2027-01-01T00:00:00Z"),
        ("2026-11-23T00:00:00Z", "day", "Asia/Kathmandu", "2026-11-23",
         "2026-11-23T00:00:00+05:45", "2026-11-24T00:00:00+05:45"),
    ],
)  # fmt: skip
def test_a_window_begins_and_ends_on_the_clocks_of_its_zone(
    when: str, per: Period, zone: str, label: str, starts: str, ends: str
) -> None:
    assert window_of(at(when), per, zone) == (at(starts), at(ends), label)


@pytest.mark.parametrize(
    ("when", "zone", "hours"),
    [
        ("2026-03-29T12:00:00Z", "Europe/Berlin", 23.0),
        ("2026-10-25T12:00:00Z", "Europe/Berlin", 25.0),
        ("2026-11-23T12:00:00Z", "Europe/Berlin", 24.0),
        ("2026-04-05T00:00:00Z", "Australia/Lord_Howe", 24.5),
        ("2026-09-06T16:00:00Z", "America/Santiago", 23.0),  # its midnight is skipped
        ("2026-03-08T16:00:00Z", "America/Havana", 23.0),
        ("2026-11-01T16:00:00Z", "America/Havana", 25.0),  # its midnight comes twice
    ],
)
def test_a_day_lasts_as_long_as_on_the_clocks(when: str, zone: str, hours: float) -> None:
    window = window_of(at(when), "day", zone)

    assert (window.ends_ns - window.starts_ns) / HOUR_NS == hours
    assert window.starts_ns <= at(when) < window.ends_ns
    assert window_of(window.starts_ns, "day", zone) == window
    assert window_of(window.ends_ns - 1, "day", zone) == window
    assert window_of(window.ends_ns, "day", zone).starts_ns == window.ends_ns


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe"])
def test_windows_begin_on_quarters_of_an_hour_and_leave_no_gap(zone: str) -> None:
    when = at("2026-01-01T00:00:00Z")
    for _ in range(400):
        window = window_of(when, "day", zone)
        assert window.starts_ns % QUARTER_NS == 0
        assert window.starts_ns <= when < window.ends_ns
        when = window.ends_ns


def test_a_moment_is_said_with_the_offset_of_its_zone() -> None:
    assert moment(at("2026-11-23T23:00:00Z"), "Europe/Berlin") == "2026-11-24T00:00:00+01:00"
    assert quarter(at("2026-11-23T23:14:59Z")) == at("2026-11-23T23:00:00Z")
