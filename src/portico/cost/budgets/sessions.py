"""Sessions that budgets know of: a bounded table in the order in which they were last heard of."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from portico.contract.budget import Spender
from portico.cost.budgets.meters import REPEATS, Account, Meter
from portico.cost.budgets.windows import DAY_NS, SECOND_NS, Window

SESSIONS: Final = 100_000
IDLE_NS: Final = DAY_NS
"""A session that said nothing for so long is over; its next call begins another."""
SPARE_NS: Final = 3600 * SECOND_NS
"""Where there is no room, one that said nothing for so long makes room."""
FINGERPRINTS: Final = 32
"""How many different things a session says are remembered for each budget of repeats."""
LOOKED_AT: Final = 8
"""Sessions that one call looks at, for one that may go."""

Forget = Callable[[Iterable[Account]], object]
"""Told of accounts that are forgotten, for whoever leased them."""


class SessionKey(NamedTuple):
    """Sessions of different teams are different, whatever they are called."""

    project: str
    team: str
    name: str


class Session:
    """What is counted of a session. `calls` are those under way."""

    __slots__ = ("_forget", "accounts", "began_ns", "calls", "heard_ns", "kept", "key", "said")

    def __init__(self, key: SessionKey, began_ns: int, forget: Forget, *, kept: bool) -> None:
        self.key = key
        self.began_ns = began_ns
        self.heard_ns = began_ns
        self.calls = 0
        self.kept = kept
        """In the table. One that is not is a single call's, and goes with it."""
        self._forget = forget
        self.accounts: dict[Meter, Account] = {}
        self.said: dict[tuple[Meter, str], Account] = {}

    def account(self, meter: Meter, fingerprint: str) -> Account:
        """The account of a meter, made where there is none."""
        if meter.unit == REPEATS:
            return self._repeats(meter, fingerprint)
        found = self.accounts.get(meter)
        if found is None:
            found = self.accounts[meter] = self._fresh(meter, "")
        return found

    def all_accounts(self) -> Iterator[Account]:
        yield from self.accounts.values()
        yield from self.said.values()

    def part(self, meters: set[Meter]) -> list[Account]:
        """Forgets the accounts of meters that are gone."""
        gone = [self.accounts.pop(meter) for meter in meters & self.accounts.keys()]
        said = [place for place in self.said if place[0] in meters]
        return gone + [self.said.pop(place) for place in said]

    def _repeats(self, meter: Meter, fingerprint: str) -> Account:
        place = (meter, fingerprint)
        found = self.said.pop(place, None)
        if found is None:
            mine = [each for each in self.said if each[0] is meter and not self.said[each].held]
            self._forget([self.said.pop(each) for each in mine[: 1 - FINGERPRINTS]])
            found = self._fresh(meter, fingerprint)
        self.said[place] = found
        return found

    def _fresh(self, meter: Meter, fingerprint: str) -> Account:
        window = Window(self.began_ns, 0, self.key.name)
        return Account(meter, window, (*self.key, fingerprint))


class Sessions:
    """At most `room` of them."""

    def __init__(self, forget: Forget, room: int = SESSIONS) -> None:
        self._forget = forget
        self._room = room
        self._table: OrderedDict[SessionKey, Session] = OrderedDict()

    def __len__(self) -> int:
        return len(self._table)

    def __iter__(self) -> Iterator[Session]:
        """Those heard of last come first."""
        return iter(reversed(self._table.values()))

    def of(self, who: Spender) -> Session | None:
        """The session of a call, entered where it is new. None: there is no room for it."""
        if not who.session:
            own = SessionKey(who.project, who.team, who.call)
            return Session(own, who.received_ns, self._forget, kept=False)
        return self.enter(SessionKey(who.project, who.team, who.session), who.received_ns)

    def enter(self, key: SessionKey, at_ns: int) -> Session | None:
        found = self._table.get(key)
        if found is not None and not found.calls and at_ns - found.heard_ns > IDLE_NS:
            self._drop(found)
            found = None
        if found is None:
            self._tidy(at_ns)
            if len(self._table) >= self._room:
                return None
            found = self._table[key] = Session(key, at_ns, self._forget, kept=True)
        self._table.move_to_end(key)
        found.heard_ns = max(found.heard_ns, at_ns)
        found.began_ns = min(found.began_ns, at_ns)
        return found

    def recall(self, key: SessionKey, began_ns: int, heard_ns: int) -> Session | None:
        """A session that the ledger has, before those that were heard of since."""
        found = self._table.get(key)
        if found is None:
            if len(self._table) >= self._room:
                return None
            found = self._table[key] = Session(key, heard_ns, self._forget, kept=True)
            self._table.move_to_end(key, last=False)
        found.began_ns = min(found.began_ns, began_ns)
        return found

    def part(self, meters: set[Meter], *, empty: bool) -> None:
        """Forgets what meters that are gone have counted; all sessions where none are left."""
        for session in self._table.values():
            self._forget(session.part(meters))
        if empty:
            idle = [session for session in self._table.values() if not session.calls]
            for session in idle:
                self._drop(session)

    def _tidy(self, at_ns: int) -> None:
        """Looks at few sessions, so that a call's work is bounded; over time at all of them."""
        full = len(self._table) >= self._room
        first = [each for each, _ in zip(self._table.values(), range(LOOKED_AT), strict=False)]
        for session in first:
            if session.calls:
                session.heard_ns = max(session.heard_ns, at_ns)
                self._table.move_to_end(session.key)
            elif at_ns - session.heard_ns > (SPARE_NS if full else IDLE_NS):
                self._drop(session)
                full = False

    def _drop(self, session: Session) -> None:
        self._forget(session.all_accounts())
        del self._table[session.key]
