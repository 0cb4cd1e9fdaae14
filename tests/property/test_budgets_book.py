"""Whatever calls, edits and times come in whatever order, the sums of the book are right."""

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from portico.contract.budget import Amount, Budget, Recorded, Scope, Spender
from portico.cost.budgets.answers import Refusal, Seeding, Waiting
from portico.cost.budgets.book import Book
from portico.cost.budgets.meters import Account
from portico.cost.budgets.seeding import take
from portico.cost.budgets.tabs import AttemptHold, CallTab
from portico.cost.budgets.windows import window_of

NOW = 1_795_435_200 * 10**9
HOUR = 3600 * 10**9
TEAMS = ("care", "sales")
AMOUNTS = st.sampled_from([0, 1, 7, 60])
SCOPES = (Scope(), Scope(team="care"), Scope(tag="x"))


def budget(number: int, amount: int) -> Budget:
    """Six of them, which differ in scope and period."""
    per = ("day", "week")[number % 2]
    return Budget(
        name=f"b{number}", scope=SCOPES[number // 2], per="day" if per == "day" else "week",
        nano=amount, hard=number != 5, soft=0.5, time_zone="Europe/Berlin",
    )  # fmt: skip


@dataclass
class Call:
    who: Spender
    tab: CallTab | None
    holds: list[tuple[AttemptHold, Amount]] = field(default_factory=list)
    charged: int = 0


@dataclass
class Reading:
    """Of the ledger, for a seeding. Calls go on between what is read and what is counted."""

    seeding: Seeding
    read: int = 0
    found: list[Recorded] = field(default_factory=list)


class Machine(RuleBasedStateMachine):
    """The ledger is a list of calls that ended. A call that nothing bounded is recorded too, and
    there may be budgets by then."""

    def __init__(self) -> None:
        super().__init__()
        self.book = Book()
        self.now_ns = NOW
        self.force: dict[int, int] = {}
        self.calls: list[Call] = []
        self.ledger: list[Recorded] = []
        self.made = 0
        self.readings: list[Reading] = []

    # --- what happens ---

    @initialize(numbers=st.lists(st.integers(0, 5), unique=True))
    def begin(self, numbers: list[int]) -> None:
        self._replace(dict.fromkeys(numbers, 2000))
        for reading in self.readings:
            self._count(reading)

    @rule(team=st.sampled_from(TEAMS), tag=st.booleans())
    def open(self, team: str, tag: bool) -> None:
        self.made += 1
        who = Spender(
            call=f"call_{self.made}", received_ns=self.now_ns, team=team,
            tags=(("x", "1"),) if tag else (),
        )  # fmt: skip
        self.calls.append(Call(who, self.book.open(who, str)))

    @precondition(lambda self: self.calls)
    @rule(data=st.data(), ceiling=AMOUNTS)
    def hold(self, data: st.DataObject, ceiling: int) -> None:
        self._hold(data.draw(st.sampled_from(self.calls)), ceiling)

    def _hold(self, call: Call, ceiling: int) -> None:
        if call.tab is None:
            return
        before = [account.held for account in call.tab.accounts]
        amount = Amount(nano=ceiling)
        answer = self.book.hold(call.tab, amount, self.now_ns)
        if isinstance(answer, AttemptHold):
            call.holds.append((answer, amount))
            for account in call.tab.accounts:
                if ceiling and account.meter.budget.hard:
                    assert account.spent + account.held <= account.meter.amount
            return
        assert isinstance(answer, Refusal | Waiting)
        assert [account.held for account in call.tab.accounts] == before

    @precondition(lambda self: any(call.holds for call in self.calls))
    @rule(data=st.data(), share=st.sampled_from([0, 0.5, 1]))
    def settle(self, data: st.DataObject, share: float) -> None:
        call = data.draw(st.sampled_from([call for call in self.calls if call.holds]))
        self._settle(call, share)

    def _settle(self, call: Call, share: float) -> None:
        assert call.tab is not None
        hold, ceiling = call.holds.pop()
        charge = int(ceiling.nano * share)
        self.book.settle(call.tab, hold, Amount(nano=charge), self.now_ns)
        call.charged += charge

    @precondition(lambda self: self.calls)
    @rule(ceiling=AMOUNTS)
    def attempt(self, ceiling: int) -> None:
        """The last call makes an attempt, from its hold to its end."""
        call = self.calls[-1]
        self._hold(call, ceiling)
        if call.holds:
            self._settle(call, 1)

    @precondition(lambda self: self.calls)
    @rule(data=st.data(), unbound=AMOUNTS)
    def close(self, data: st.DataObject, unbound: int) -> None:
        self._close(self.calls.pop(data.draw(st.integers(0, len(self.calls) - 1))), unbound)

    def _close(self, call: Call, unbound: int) -> None:
        if call.tab is not None:
            self.book.close(call.tab)
        who = call.who
        self.ledger.append(
            Recorded(
                call=who.call, received_ns=who.received_ns, team=who.team, workload=who.workload,
                project=who.project, key=who.key, session="", tags=who.tags, tokens=0,
                nano=unbound if call.tab is None else call.charged,
            )
        )  # fmt: skip

    @rule(data=st.data())
    def replace(self, data: st.DataObject) -> None:
        numbers = data.draw(st.lists(st.integers(0, 5), unique=True))
        amounts = st.sampled_from([0, 30, 100, 2000])
        self._replace({number: data.draw(amounts) for number in numbers})

    def _replace(self, force: dict[int, int]) -> None:
        self.force = force
        seeding = self.book.replace([budget(*each) for each in force.items()], self.now_ns)
        if seeding is not None:
            self.readings.append(Reading(seeding))

    @precondition(lambda self: self.readings)
    @rule()
    def read(self) -> None:
        for reading in self.readings:
            self._read(reading)

    @precondition(lambda self: self.readings)
    @rule()
    def count(self) -> None:
        for reading in self.readings:
            self._count(reading)

    def _read(self, reading: Reading) -> None:
        reading.found += self.ledger[reading.read :]
        reading.read = len(self.ledger)

    def _count(self, reading: Reading) -> None:
        take(reading.seeding, reading.found, lambda _: ())
        reading.found = []
        self.book.seeded(reading.seeding)

    @rule(hours=st.sampled_from([0, 1, 5, 11, 24]))
    def wait(self, hours: int) -> None:
        self.now_ns += hours * HOUR + 1

    # --- what holds always ---

    @invariant()
    def nothing_is_counted_twice(self) -> None:
        for account in self._accounts():
            assert account.spent <= self._recorded(account)

    @invariant()
    def what_is_held_is_of_calls_under_way(self) -> None:
        for account in self._accounts():
            assert account.held == sum(
                call.charged + sum(ceiling.nano for _, ceiling in call.holds)
                for call in self.calls
                if call.tab is not None and account in call.tab.accounts
            )
            assert 0 <= account.settled <= account.held

    @invariant()
    def standings_show_the_windows_under_way(self) -> None:
        shown = {(each.budget, each.window) for each in self.book.standings(self.now_ns)}
        wanted = [budget(*each) for each in self.force.items()]
        assert shown == {
            (each.name, window_of(self.now_ns, each.per, each.time_zone).label) for each in wanted
        }

    def teardown(self) -> None:
        """Every call ends, and every reading is read to the end: all of the ledger is spent."""
        for call in self.calls:
            self._close(call, 1)
        for reading in self.readings:
            self._read(reading)
            self._count(reading)
        for account in self._accounts():
            assert (account.held, account.settled) == (0, 0)
            assert account.spent == self._recorded(account)

    def _accounts(self) -> list[Account]:
        return self.book.accounts()

    def _recorded(self, account: Account) -> int:
        scope, window = account.meter.identity.scope, account.window
        return sum(
            each.nano
            for each in self.ledger
            if window.starts_ns <= each.received_ns < window.ends_ns
            and scope.team in ("", each.team)
            and (not scope.tag or each.tags)
        )


TestBook = Machine.TestCase
TestBook.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
