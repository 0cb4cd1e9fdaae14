"""Numbers and times for people; money is exact."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.contract.usage import Usage
from portico.main.cli.words import (
    duration,
    microseconds,
    moment_exact,
    money,
    per_million,
    plain,
    shortened,
    tokens_in,
)
from portico.main.settings import SettingsError


@pytest.mark.parametrize(
    ("text", "seconds"), [("250ms", 0.25), ("90s", 90), ("15m", 900), ("1h", 3600), ("30d", 2592e3)]
)
def test_a_duration_has_a_number_and_a_unit(text: str, seconds: float) -> None:
    assert duration(text, "--expires") == seconds


@pytest.mark.parametrize("text", ["", "30", "d", "-1d", "1 year", "1e9d", "nan", "99999999w", "٣d"])
def test_what_is_no_duration_is_refused_by_the_option_s_name(text: str) -> None:
    with pytest.raises(SettingsError, match="--expires"):
        duration(text, "--expires")


@pytest.mark.parametrize(
    ("nano", "text"),
    [(0, "$0.00"), (1_250_000, "$0.00125"), (1, "$0.000000001"), (12 * 10**9, "$12.00")],
)
def test_money_shows_every_digit_that_counts(nano: int, text: str) -> None:
    assert money(nano) == text


@given(st.integers(min_value=0, max_value=10**30))
def test_money_is_exact_at_any_size(nano: int) -> None:
    whole, digits = money(nano)[1:].split(".")
    assert int(whole) * 10**9 + int(digits.ljust(9, "0")) == nano


def test_a_rate_is_shown_per_million_tokens() -> None:
    assert per_million(250_000) == "$0.25"
    assert per_million(15_000_000) == "$15.00"


@pytest.mark.parametrize(
    ("text", "short"), [("0.000000000", "0.00"), ("0.001250000", "0.00125"), ("3", "3")]
)
def test_an_amount_loses_only_zeros_that_say_nothing(text: str, short: str) -> None:
    assert shortened(text) == short


def test_durations_read_in_the_unit_that_fits() -> None:
    shown = [microseconds(us) for us in (870, 12_400, 3_210_000)]
    assert shown == ["870 µs", "12.4 ms", "3.21 s"]


def test_a_moment_is_exact_to_the_millisecond_without_floats() -> None:
    assert moment_exact(1_700_000_000_999_999_999) == "2023-11-14 22:13:20.999 UTC"


def test_all_tokens_that_were_read_count_as_input() -> None:
    usage = Usage(input=1, cached_read=2, cache_write_5m=4, cache_write_1h=8, output=100)
    assert tokens_in(usage) == 15


def test_a_terminal_gets_no_escape_sequences_and_no_reversed_text() -> None:
    assert plain("a\x1b[2Jb\u202ec\x9bd\r") == "a\ufffd[2Jb\ufffdc\ufffdd\ufffd"
    assert plain("tab\tline\nüñ漢") == "tab\tline\nüñ漢"
