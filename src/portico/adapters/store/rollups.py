"""What a batch of receipts adds to the roll-ups, which outlive them.

Law of the file: amounts are added as exact integers. A row's sum that leaves SQLite's 64 bits is
refused by its table (STRICT), and the batch is written again beside what is there, in parts.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Final

import msgspec

from portico.adapters.store import rollup_queries as queries
from portico.contract.receipt import Attempt, Receipt
from portico.contract.usage import StopReason, Usage

QUARTER_NS: Final = 900 * 10**9
DAY: Final = 96
"""Quarters of an hour. All days of all time zones begin on one."""
LARGEST: Final = 2**63 - 1
KINDS_KNOWN: Final = 5_000
SESSIONS_KNOWN: Final = 10_000
SHORTENED: Final = "journal:attempts"
EMPTIED: Final = "journal:all-attempts"
PRICES_LEFT_OUT: Final = "journal:prices"
NAMED_CAPS: Final = ("caller", "workload")

Kind = tuple[
    str, str, str, str, str, str, str, str, str, str, int, str, int, int
]  # in the order of `KIND`
"""What attempts are counted by, beside the time."""
Place = tuple[
    int, str, str, str, str, str, str, str, str, str, str, int, str, int, int
]  # fmt: skip
"""A quarter of an hour since the epoch, and a kind."""
Row = tuple[int, int, int, int]
"""Grain, start, whether simulated, and the number of a kind."""
Measured = tuple[int, ...]
"""In the order of `MEASURES`."""
InSession = tuple[str, int, int, int, int]
"""Session, whether it is the call's first attempt, tokens, nano-dollars, when it came."""
Firsts = tuple[bool, bool, bool, bool, bool]
"""Whether an attempt is the first of its call; of those that are simulated or not; of these, on
its model; then the latter two again among those that ended well and have no estimate."""
ONLY: Final[Firsts] = (True, True, True, True, True)
NO_ENERGY: Final = (0, 0, 0, 0)

_json = msgspec.json.Encoder()
_tags = msgspec.json.Decoder(tuple[tuple[str, str], ...])


class Known:
    """Numbers of kinds and sessions that are in the database. Bounded; forgetting costs a read."""

    def __init__(self) -> None:
        self.kinds: dict[Kind, int] = {}
        self.sessions: dict[str, int] = {}

    def learn(self, kinds: Mapping[Kind, int], sessions: Mapping[str, int]) -> None:
        """What was committed."""
        if len(self.kinds) + len(kinds) > KINDS_KNOWN:
            self.kinds.clear()
        if len(self.sessions) + len(sessions) > SESSIONS_KNOWN:
            self.sessions.clear()
        self.kinds.update(kinds)
        self.sessions.update(sessions)


class Rollups:
    """Sums of a batch. `write` them in the transaction that stores the receipts, `learn` after."""

    def __init__(self) -> None:
        self._added: dict[Place, list[Measured]] = {}
        self._in_session: dict[Place, list[InSession]] = {}
        self._tags: dict[tuple[tuple[str, str], ...], str] = {(): ""}
        self._fresh: tuple[dict[Kind, int], dict[str, int]] = ({}, {})

    def add(self, receipt: Receipt) -> None:
        """Takes a few microseconds, of the loader's time."""
        attempts = receipt.attempts
        if receipt.degraded:
            attempts = _with_what_was_left_out(receipt)
        if not attempts:
            return
        text = self._tags.get(receipt.tags)
        if text is None:
            text = self._tags[receipt.tags] = _text_of(receipt.tags)
        if len(attempts) == 1:  # nearly every call
            self._add(receipt, attempts[0], _place(receipt, text, attempts[0]), ONLY)
            return
        seen: set[tuple[object, ...]] = set()
        for attempt in attempts:
            place = _place(receipt, text, attempt)
            self._add(receipt, attempt, place, _firsts(attempt, place, seen))

    def _add(self, receipt: Receipt, attempt: Attempt, place: Place, first: Firsts) -> None:
        measured = _measured(receipt, attempt, place[12] != "", first)
        added = self._added.get(place)
        if added is None:
            self._added[place] = [measured]
        else:
            added.append(measured)
        if receipt.session:
            tokens = measured[9] + measured[11]
            entry = (receipt.session, first[0], tokens, measured[12], receipt.received_ns)
            self._in_session.setdefault(place, []).append(entry)

    # --- writing ---------------------------------------------------------------------------

    def write(self, connection: sqlite3.Connection, known: Known, *, apart: bool = False) -> None:
        """`apart`: beside the rows that are there, clamped, however large the sums become.

        Raises OverflowError where a sum does not fit and it was not `apart`.
        """
        kinds = _numbered_kinds(connection, known.kinds, {place[1:] for place in self._added})
        names = {entry[0] for entries in self._in_session.values() for entry in entries}
        sessions = _numbered_sessions(connection, known.sessions, names)
        self._fresh = (kinds, sessions)
        try:
            if apart:
                for place, parts in self._apart(kinds).items():
                    for part in parts:
                        connection.execute(queries.ADD_PART, (*place, *place, *part))
            else:
                rows = [(*place, 0, *sums) for place, sums in self._sums(kinds).items()]
                write_rows(connection, queries.ADD_ROLLUPS, rows)
            write_rows(connection, queries.ADD_SESSION_USE, self._session_rows(kinds, sessions))
        except sqlite3.IntegrityError as problem:
            raise OverflowError(str(problem)) from problem

    def learn(self, known: Known) -> None:
        """After the transaction was committed."""
        known.learn(*self._fresh)

    def _sums(self, kinds: Mapping[Kind, int]) -> dict[Row, Sequence[int]]:
        """Each place in its quarter of an hour, and in its day."""
        sums: dict[Row, Sequence[int]] = {}
        for place, measured in self._added.items():
            added = measured[0] if len(measured) == 1 else [*map(sum, zip(*measured, strict=True))]
            quarter, simulated, number = place[0], place[11], kinds[place[1:]]
            sums[1, quarter, simulated, number] = added
            day = (DAY, quarter - quarter % DAY, simulated, number)
            older = sums.get(day)
            sums[day] = added if older is None else [*map(int.__add__, older, added)]
        return sums

    def _apart(self, kinds: Mapping[Kind, int]) -> dict[Row, list[list[int]]]:
        parts: dict[Row, list[list[int]]] = {}
        for place, measured in self._added.items():
            quarter, simulated, number = place[0], place[11], kinds[place[1:]]
            for grain, start in ((1, quarter), (DAY, quarter - quarter % DAY)):
                _fill(parts.setdefault((grain, start, simulated, number), []), measured)
        return parts

    def _session_rows(
        self, kinds: Mapping[Kind, int], sessions: Mapping[str, int]
    ) -> list[tuple[int, ...]]:
        rows: list[tuple[int, ...]] = []
        for place, entries in self._in_session.items():
            quarter, number = place[0], kinds[place[1:]]
            for name, calls, tokens, nano, first_ns, last_ns in _by_session(entries):
                amounts = (calls, _clamped(tokens), _clamped(nano), first_ns, last_ns)
                rows.append((quarter, sessions[name], number, *amounts))
        return rows


def _by_session(entries: Sequence[InSession]) -> Iterator[tuple[str, int, int, int, int, int]]:
    if len(entries) == 1:
        yield (*entries[0], entries[0][-1])
        return
    together: dict[str, list[InSession]] = {}
    for entry in entries:
        together.setdefault(entry[0], []).append(entry)
    for name, found in together.items():
        _, calls, tokens, nano, received = zip(*found, strict=True)
        yield name, sum(calls), sum(tokens), sum(nano), min(received), max(received)


def write_rows(
    connection: sqlite3.Connection,
    statements: Sequence[tuple[int, str]],
    rows: Sequence[Sequence[str | int | bytes]],
) -> None:
    """Most rows in few statements: between two statements the loop's thread waits for us."""
    at = 0
    for size, statement in statements:
        while len(rows) - at >= size:
            connection.execute(statement, tuple(chain.from_iterable(rows[at : at + size])))
            at += size


def counted_at(receipt: Receipt) -> tuple[int, Kind] | None:
    """The quarter of an hour and the kind that the call itself is counted at, if it is."""
    attempts = _with_what_was_left_out(receipt) if receipt.degraded else receipt.attempts
    if not attempts:
        return None
    place = _place(receipt, _text_of(receipt.tags), attempts[0])
    return place[0], place[1:]


def tokens_of(receipt: Receipt) -> int:
    """All tokens of a call's attempts, in and out."""
    attempts = _with_what_was_left_out(receipt) if receipt.degraded else receipt.attempts
    return sum(tokens_in(each.usage) + tokens_out(each.usage) for each in attempts)


def tokens_in(usage: Usage) -> int:
    """All that was read, from whatever source: the fields do not overlap."""
    return (
        usage.input + usage.cached_read + usage.cache_write_5m + usage.cache_write_1h
        + usage.input_audio + usage.cached_audio
    )  # fmt: skip


def tokens_out(usage: Usage) -> int:
    return usage.output + usage.output_audio + usage.output_image


def tags_of(text: str) -> tuple[tuple[str, str], ...]:
    return _tags.decode(text) if text else ()


# --- one attempt -------------------------------------------------------------------------------


def _text_of(tags: tuple[tuple[str, str], ...]) -> str:
    return _json.encode(sorted(set(tags))).decode() if tags else ""


def _place(receipt: Receipt, tags: str, attempt: Attempt) -> Place:
    basis = attempt.energy_basis
    if basis is None or attempt.energy is None:
        method, size_low, size_high = "", 0, 0
    else:
        method, size_low, size_high = basis.method, basis.size_low, basis.size_high
    return (
        receipt.received_ns // QUARTER_NS, receipt.project, receipt.team, receipt.workload,
        receipt.release, receipt.prompt, receipt.prompt_version, receipt.key, tags, attempt.model,
        attempt.provider, int(attempt.simulated), method, size_low, size_high,
    )  # fmt: skip


def _measured(receipt: Receipt, attempt: Attempt, estimated: bool, first: Firsts) -> Measured:
    usage, energy, ok = attempt.usage, attempt.energy, attempt.status == "ok"
    call, reached, of_model, unestimated, unestimated_of_model = first
    without = ok and not estimated
    takes = NO_ENERGY
    if energy is not None and estimated:
        takes = (energy.low_nwh, energy.high_nwh, energy.co2e_low_ng, energy.co2e_high_ng)
    return (
        call,
        call and receipt.status == "ok",
        0,
        0,
        1,
        not ok,
        attempt.price is None and _without_price(receipt),
        call and receipt.cap_source in NAMED_CAPS,
        call and receipt.stop is StopReason.LENGTH and receipt.max_output_tokens is not None,
        tokens_in(usage),
        usage.cached_read + usage.cached_audio,
        tokens_out(usage),
        attempt.cost_nano,
        *takes,
        reached,
        of_model,
        without and unestimated,
        without and unestimated_of_model,
    )


def _firsts(attempt: Attempt, place: Place, seen: set[tuple[object, ...]]) -> Firsts:
    simulated, model = attempt.simulated, attempt.model
    without = attempt.status == "ok" and not place[12]

    def first(*mark: object) -> bool:
        before = mark in seen
        seen.add(mark)
        return not before

    return (
        first(),
        first(simulated),
        first(simulated, model),
        without and first(simulated, "unestimated", ""),
        without and first(simulated, "unestimated", model, ""),
    )


def _without_price(receipt: Receipt) -> bool:
    """Of an attempt that has none on its receipt: the journal may have left it out."""
    return receipt.unpriced or PRICES_LEFT_OUT not in receipt.degraded


def _with_what_was_left_out(receipt: Receipt) -> tuple[Attempt, ...]:
    """Attempts whose sum is the call's, though the journal had no room for all of them."""
    kept = receipt.attempts
    if EMPTIED in receipt.degraded and not kept:
        return (
            Attempt(
                id="", provider="", kind="", model=receipt.model, model_id="",
                status="ok" if receipt.status == "ok" else "failed", usage=receipt.usage,
                cost_nano=receipt.cost_nano, simulated=receipt.simulated,
            ),
        )  # fmt: skip
    if SHORTENED not in receipt.degraded or not kept:
        return kept
    first = kept[0]
    usage = {
        name: getattr(first.usage, name) + getattr(receipt.usage, name)
        - sum(getattr(each.usage, name) for each in kept)
        for name in ("input", "cached_read", "cache_write_5m", "cache_write_1h", "input_audio",
                     "cached_audio", "output", "output_audio", "output_image")
    }  # fmt: skip
    nano = first.cost_nano + receipt.cost_nano - sum(each.cost_nano for each in kept)
    amended = msgspec.structs.replace(
        first, usage=msgspec.structs.replace(first.usage, **usage), cost_nano=nano
    )
    return (amended, *kept[1:])


# --- rows --------------------------------------------------------------------------------------


def _clamped(value: int) -> int:
    return max(-LARGEST, min(value, LARGEST))


def _fill(parts: list[list[int]], measured: Iterable[Measured]) -> None:
    """Puts each into the last part, or into a new one where it does not fit."""
    for each in measured:
        clamped = [_clamped(value) for value in each]
        if parts:
            sums = [*map(sum, zip(parts[-1], clamped, strict=True))]
            if max(map(abs, sums)) <= LARGEST:
                parts[-1] = sums
                continue
        parts.append(clamped)


def _numbered_kinds(
    connection: sqlite3.Connection, known: Mapping[Kind, int], wanted: Iterable[Kind]
) -> dict[Kind, int]:
    numbers: dict[Kind, int] = {}
    for kind in wanted:
        number = known.get(kind)
        if number is None:
            row = connection.execute(queries.KIND, kind).fetchone()
            number = row[0] if row else connection.execute(queries.ADD_KIND, kind).lastrowid
        numbers[kind] = int(number or 0)
    return numbers


def _numbered_sessions(
    connection: sqlite3.Connection, known: Mapping[str, int], wanted: Iterable[str]
) -> dict[str, int]:
    numbers = {name: known[name] for name in wanted if name in known}
    missing = [name for name in wanted if name not in numbers]
    if missing:
        found = connection.execute(queries.SESSION_NUMBERS, (_json.encode(missing).decode(),))
        numbers.update(found.fetchall())
        fresh = [name for name in missing if name not in numbers]
        last: int = connection.execute(queries.LAST_SESSION).fetchone()[0]
        made = {name: last + place for place, name in enumerate(fresh, 1)}
        rows = [(number, name) for name, number in made.items()]
        write_rows(connection, queries.ADD_SESSIONS, rows)
        numbers |= made
    return numbers
