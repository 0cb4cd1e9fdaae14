"""`portico calls show` tells the whole story of a receipt."""

import msgspec

from portico.contract.energy import Energy, EnergyBasis
from portico.contract.errors import PorticoError
from portico.contract.money import Price, Rates, Tier
from portico.contract.receipt import Attempt, Receipt
from portico.contract.usage import StopReason, Usage
from portico.control.ledger.view import complete
from portico.main.cli.explain import error_kinds, explain

USAGE = Usage(input=1200, cached_read=300, output=50, reasoning=20)
ATTEMPT = Attempt(
    id="att_1",
    provider="openai",
    kind="openai",
    model="small",
    model_id="gpt-5-mini",
    wire="openai_chat",
    status="ok",
    translated=True,
    dropped=("top_k",),
    address="203.0.113.9",
    connection="reused",
    http_status=200,
    upstream_id="req_7",
    served_model="gpt-5-mini-2025",
    first_byte_us=310_000,
    first_token_us=320_000,
    total_us=1_500_000,
    usage=USAGE,
    usage_source="reported",
    cost_nano=1_250_001,
    price=Price(
        rates=Rates(input=250_000, output=2_000_000, cached_read=25_000),
        tiers=(Tier(above=1000, rates=Rates(input=500_000, output=4_000_000, cached_read=50_000)),),
        source="genai-prices 0.2.3",
        date="2026-01-31",
    ),
    stop=StopReason.LENGTH,
)
RECEIPT = Receipt(
    call="call_1",
    received_ns=1_700_000_000_000_000_000,
    door="anthropic_messages",
    stream=True,
    workload="support",
    lane="chat",
    release="rel_9",
    requested_model="support",
    model="small",
    key="key_5",
    team="care",
    attempts=(ATTEMPT,),
    usage=USAGE,
    cost_nano=1_250_001,
    max_output_tokens=50,
    cap_source="workload",
    stages=(("read", 120), ("upstream", 1_500_000), ("stream", 3_000)),
    first_token_us=321_000,
    total_us=1_503_120,
    tokens_per_second=41.66,
    stop=StopReason.LENGTH,
    degraded=("the database takes nothing",),
)


def told(receipt: Receipt) -> str:
    return "\n".join(explain(receipt))


def test_the_story_names_who_what_where_and_how_much() -> None:
    story = told(RECEIPT)
    for fact in (
        "call_1  ok, HTTP 200",
        "key_5 · team care",
        "support · streamed",
        "rel_9",
        "50 output tokens · set by the workload",
        "1500 in, 50 out (of these 300 cached read, 20 reasoning)",
        "$0.001250001",
        "first token after 321.0 ms · 41.7 tokens/s",
        "stopped by    length",
        "the database takes nothing",
        "attempt 1, first: small at openai (ok)",
        "served as gpt-5-mini-2025",
        "translated · dropped top_k",
        "203.0.113.9 (public) · connection reused · HTTP 200",
        "request id req_7",
        "reported by the provider",
        "genai-prices 0.2.3 of 2026-01-31",
    ):
        assert fact in story


def test_the_rates_shown_are_those_of_the_tier_that_applied() -> None:
    assert "input $0.50/M · cached read $0.05/M · output $4.00/M" in told(RECEIPT)


def test_the_timeline_lists_every_stage_in_order_with_a_bar() -> None:
    lines = told(RECEIPT).splitlines()
    stages = lines[lines.index("  stages") + 1 :]
    assert [line.split()[0] for line in stages] == ["read", "upstream", "stream"]
    assert ["120 µs" in stages[0], "1.50 s" in stages[1], "3.0 ms" in stages[2]] == [True] * 3
    assert all("█" in line for line in stages)


def test_a_failed_call_says_whose_fault_it_was_and_whether_a_retry_helps() -> None:
    failed = msgspec.structs.replace(
        RECEIPT, status="failed", http_status=429, error="quota_exhausted", attempts=()
    )
    assert "quota_exhausted · at fault: caller · a retry helps" in told(failed)


def test_an_unpriced_call_is_not_shown_as_free() -> None:
    bare = msgspec.structs.replace(ATTEMPT, price=None, cost_nano=0)
    story = told(msgspec.structs.replace(RECEIPT, unpriced=True, cost_nano=0, attempts=(bare,)))
    assert "unpriced: the catalogue has no price" in story
    assert "$" not in story


def test_the_emptiest_receipt_can_be_told() -> None:
    story = told(Receipt(call="call_0", received_ns=0, door="openai_chat", status="refused"))
    assert story.startswith("call_0  refused")


def test_every_error_of_the_tree_is_known_by_its_code() -> None:
    def tree(kind: type[PorticoError]) -> set[str]:
        return {kind.code}.union(*map(tree, kind.__subclasses__()))

    assert tree(PorticoError) == error_kinds().keys()
    assert error_kinds()["invalid_request"].retry == "no"


def test_a_complete_receipt_has_every_field_and_reads_back_equal() -> None:
    shown = complete(RECEIPT)
    assert {"id", "cost_usd", *Receipt.__struct_fields__} == shown.keys()
    assert (shown["id"], shown["cost_usd"]) == ("call_1", "0.001250001")
    assert msgspec.json.decode(msgspec.json.encode(shown), type=Receipt) == RECEIPT


def test_energy_is_told_as_intervals_with_grid_and_method() -> None:
    energy = Energy(low_nwh=131_450, high_nwh=7_199_000, co2e_low_ng=2_000, co2e_high_ng=412_900)
    basis = EnergyBasis(
        method="m 1", size_low=1, size_high=2, active_low=1, active_high=2, size_source="s",
        zone="SWE", grid_source="g", grid_date="2026-01-01",
    )  # fmt: skip
    attempt = msgspec.structs.replace(ATTEMPT, energy=energy, energy_basis=basis)
    story = told(msgspec.structs.replace(RECEIPT, energy=energy, attempts=(attempt,)))
    line = "0.000131 to 0.0072 Wh · 0.000002 to 0.000413 g CO2e · grid SWE · estimated by m 1"
    assert line in story
    assert "Wh" not in told(RECEIPT)
