"""The book: what every account has, and what each call under way holds of it.

The law of this file: `spent + held` of an account never grows past its meter's limit by a hold,
and every path of a call ends in `close`, which moves what was settled from `held` to `spent` and
gives back the rest. All steps are synchronous: between two of them the sums are right.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from portico.contract.budget import Amount, Budget, Crossing, Spender, Standing
from portico.cost.budgets import standing
from portico.cost.budgets.answers import Need, Refusal, Seeding, Short, Waiting, refusal
from portico.cost.budgets.matching import Matching
from portico.cost.budgets.meters import (
    REPEATS,
    UNBOUNDED,
    UNITS,
    WALL,
    Account,
    Identity,
    Meter,
    amounts_of,
)
from portico.cost.budgets.sessions import SESSIONS, Session, Sessions
from portico.cost.budgets.tabs import AttemptHold, CallTab, Fingerprint
from portico.cost.budgets.thresholds import Thresholds
from portico.cost.budgets.windows import QUARTER_NS, SECOND_NS, Window, quarter, window_of

LATE_NS: Final = 3600 * SECOND_NS
"""A window is kept so long after its end, for calls received in it whose body came slowly."""


class Book:
    """Satisfies what `contract.budget.Budgets` promises, for one thread.

    `share`: what this process may use of each account is granted from outside, to begin with
    nothing (`Account.grant`). What this process has spent of it is then what its ledger has.
    """

    def __init__(self, *, share: bool = False, sessions: int = SESSIONS) -> None:
        self._share = share
        self._meters: dict[Identity, Meter] = {}
        self._matching: Matching | None = None
        self._sessions = Sessions(self._forget, sessions)
        self._tabs: dict[CallTab, None] = {}
        """Open, in the order of their opening."""
        self._watched: list[Seeding] = []
        self._thresholds = Thresholds()
        self._gone: list[Account] = []

    # --- what is in force ---

    def replace(self, budgets: Sequence[Budget], now_ns: int) -> Seeding | None:
        """These are in force from now on. What new meters need of the ledger; None: nothing."""
        before = self._meters
        self._meters = {}
        fresh: list[Meter] = []
        for budget in budgets:
            for identity, amount in amounts_of(budget):
                meter = before.get(identity)
                if meter is None:
                    meter = Meter(identity, budget, amount, pending=identity.per != "call")
                    fresh.append(meter)
                else:
                    meter.amend(budget, amount)
                self._meters[identity] = meter
        self._matching = Matching(tuple(self._meters.values())) if self._meters else None
        self._part({meter for identity, meter in before.items() if identity not in self._meters})
        self._begin(fresh, now_ns)
        for tab in self._tabs:
            self._attach(tab)
        return self._seeding([meter for meter in fresh if meter.pending], now_ns)

    def _begin(self, fresh: Iterable[Meter], now_ns: int) -> None:
        """The windows that calls are in: this one, the last if it has just ended, and those of
        calls under way."""
        under_way = {quarter(tab.who.received_ns) for tab in self._tabs} if fresh else ()
        moments = sorted({now_ns, now_ns - LATE_NS, *under_way})
        for meter in fresh:
            if meter.identity.per in ("day", "week", "month"):
                for at_ns in moments:
                    self._account_at(meter, at_ns)

    def _part(self, gone: set[Meter]) -> None:
        if gone:
            self._forget(account for meter in gone for account in meter.accounts.values())
            self._sessions.part(gone, empty=not any(_by_session(m) for m in self._meters.values()))

    def _attach(self, tab: CallTab) -> None:
        """Brings a call under way into the budgets in force, with what it holds."""
        before = {account.meter: account for account in tab.accounts}
        tab.matched = self._matching.of(tab.who) if self._matching else None
        tab.budgets = tab.matched.budgets if tab.matched else ()
        tab.accounts = []
        tab.crowded = False
        self._join(tab)
        for place, account in enumerate(tab.accounts):
            mine = before.pop(account.meter, None)
            if mine is not None:
                tab.accounts[place] = mine
                continue
            account.held += tab.held(account.unit)
            account.settled += tab.settled(account.unit)
        for account in before.values():
            tab.leave(account)

    def _seeding(self, meters: Sequence[Meter], now_ns: int) -> Seeding | None:
        if not meters:
            return None
        oldest = min((tab.who.received_ns for tab in self._tabs), default=now_ns)
        since = quarter(min(oldest, now_ns - QUARTER_NS))
        known = {tab.who.call for tab in self._tabs}
        seeding = Seeding(now_ns, since, tuple(meters), known)
        self._watched.append(seeding)
        return seeding

    def seeded(self, seeding: Seeding) -> None:
        """The accounts of its meters have what the ledger had (`cost.budgets.seeding`). The
        thresholds that this passes were told in their time."""
        for meter in seeding.meters:
            meter.ready()
            for account in meter.accounts.values():
                account.know()
        by_session = [meter for meter in seeding.meters if _by_session(meter)]
        for session in self._sessions if by_session else ():
            for meter in by_session:
                if meter in session.accounts:
                    session.accounts[meter].know()

    def unwatch(self, seeding: Seeding) -> None:
        """No call that was received before it can come any more."""
        self._watched.remove(seeding)

    def in_force(self, meter: Meter) -> bool:
        return self._meters.get(meter.identity) is meter

    @property
    def empty(self) -> bool:
        """There are no budgets."""
        return self._matching is None

    @property
    def sessions(self) -> Sessions:
        return self._sessions

    # --- a call ---

    def open(self, who: Spender, fingerprint: Fingerprint) -> CallTab | None:
        """None: nothing bounds the call. `fingerprint` is asked where repeats are counted.

        Raises Overloaded where there is no room to remember the call's session.
        """
        matching = self._matching
        if matching is None:
            return None
        matched = matching.of(who)
        if matched is None:
            return None
        for seeding in self._watched:
            if who.received_ns <= seeding.at_ns:
                seeding.known.add(who.call)
        tab = CallTab(who, fingerprint, matched)
        self._join(tab)
        tab.check_room()
        for account in tab.accounts:
            if account.spent + account.settled + account.elsewhere >= account.meter.acts:
                tab.cross(account.meter.budget)
        for meter in matched.walls:
            if tab.session and who.received_ns - tab.session.began_ns >= meter.acts:
                tab.cross(meter.budget)
        self._tabs[tab] = None
        return tab

    def _join(self, tab: CallTab) -> None:
        matched = tab.matched
        if matched is None:
            return
        at_ns = tab.who.received_ns
        for meter in matched.windows:
            account = meter.current
            if account is None or not account.window[0] <= at_ns < account.window[1]:
                account = self._account_at(meter, at_ns)
            tab.accounts.append(account)
        if not (matched.sessions or matched.walls):
            return
        session = tab.session or self._sessions.of(tab.who)
        if session is None:
            tab.crowded = True
            return
        for meter in matched.sessions:
            said = tab.said() if meter.unit == REPEATS else ""
            if meter.unit != REPEATS or said:
                tab.accounts.append(self._session_account(session, meter, said))
        if tab.session is None:
            tab.session = session
            session.calls += 1

    def _session_account(self, session: Session, meter: Meter, said: str) -> Account:
        account = session.account(meter, said)
        if self._share and session.kept and account.grant == UNBOUNDED:
            account.grant = 0
        return account

    def _account_at(self, meter: Meter, at_ns: int) -> Account:
        """The account of a moment's window. A moment before all that are kept counts in the
        oldest: it is long past when calls of that time could still come."""
        accounts = meter.accounts
        for account in accounts.values():
            if account.window.starts_ns <= at_ns < account.window.ends_ns:
                return account
        if accounts and at_ns < (first := min(accounts)):
            return accounts[first]
        window = window_of(at_ns, meter.identity.per, meter.identity.time_zone)
        account = accounts[window.starts_ns] = Account(meter, window)
        account.grant = 0 if self._share else UNBOUNDED
        oldest = next(iter(self._tabs)).who.received_ns if self._tabs else at_ns
        over_ns = min(oldest, at_ns) - LATE_NS
        ended = [s for s, a in accounts.items() if a.window.ends_ns <= over_ns]
        self._forget([accounts.pop(starts_ns) for starts_ns in ended])
        if meter.current is None or window.starts_ns > meter.current.window.starts_ns:
            meter.current = account
        return account

    def hold(
        self, tab: CallTab, ceiling: Amount, now_ns: int
    ) -> AttemptHold | Refusal | Short | Waiting:
        """Reserves in all accounts of the call, or in none.

        Raises Overloaded where there is no room to remember the call's session.
        """
        if tab.closed:
            raise AssertionError(f"{tab.who.call} is closed and holds nothing any more.")
        count = 0 if tab.begun else 1
        needs = (ceiling.nano, ceiling.tokens, count, count)
        for account in tab.accounts:
            need = needs[account.unit]
            total = account.spent + account.held + need
            if need and (total > account.meter.limit or total > account.grant):
                lacking = self._no_room(tab, needs, now_ns)
                if lacking is not None:
                    return lacking
                break
        matched = tab.matched
        if matched is not None and (matched.calls or matched.walls or tab.crowded):
            refused = self._call_bounds(tab, ceiling, now_ns)
            if refused is not None:
                return refused
        for account in tab.accounts:
            account.held += needs[account.unit]
        tab.begun = True
        tab.open_nano += ceiling.nano
        tab.open_tokens += ceiling.tokens
        hold = AttemptHold(ceiling, tab)
        tab.holds.append(hold)
        return hold

    def _call_bounds(self, tab: CallTab, ceiling: Amount, now_ns: int) -> Refusal | Waiting | None:
        """What is bounded without an account: a call's own money, a session's time."""
        assert tab.matched is not None
        tab.check_room()
        held = tab.settled_nano + tab.open_nano
        for meter in tab.matched.calls:
            if ceiling.nano and held + ceiling.nano > meter.limit:
                left = max(0, meter.amount - held)
                return Refusal(meter.budget, "nano", meter.amount, left, ceiling.nano)
        for meter in tab.matched.walls if tab.session else ():
            assert tab.session is not None
            if meter.pending and meter.budget.hard:
                return Waiting((meter,))
            if now_ns - tab.session.began_ns > meter.limit:
                window = Window(tab.session.began_ns, 0, tab.session.key.name)
                return Refusal(meter.budget, UNITS[WALL], meter.amount, 0, 0, window)
        return None

    def _no_room(
        self, tab: CallTab, needs: tuple[int, ...], now_ns: int
    ) -> Refusal | Short | Waiting | None:
        """Why a hold does not fit; None: it does, in accounts that bound nothing. What is over
        for sure comes before what may be granted."""
        wanted = [(account, needs[account.unit]) for account in tab.accounts]
        pending = [
            a.meter for a, need in wanted if need and a.meter.pending and a.meter.budget.hard
        ]
        if pending:
            return Waiting(tuple(pending))
        over = [(a, n) for a, n in wanted if n and a.spent + a.held + n > a.meter.limit]
        if over:
            for account, need in over:
                self._refused(account, need, now_ns)
            account, need = over[0]
            return refusal(account, need, account.meter.amount - account.spent - account.held)
        short = [
            Need(account, need, account.spent + account.held + need - account.grant, limit)
            for account, need in wanted
            if need
            and (limit := account.meter.limit) < UNBOUNDED
            and account.spent + account.held + need > account.grant
        ]
        return Short(tuple(short)) if short else None

    def refuse(self, need: Need, left: int, now_ns: int) -> Refusal:
        """A shared account cannot be granted what a hold needs; `left` is what it has left."""
        self._refused(need.account, need.need, now_ns)
        return refusal(need.account, need.need, left)

    def _refused(self, account: Account, need: int, now_ns: int) -> None:
        account.refused += 1
        if need <= account.meter.amount:
            self._thresholds.look(account, now_ns, full=True)

    def settle(self, tab: CallTab, hold: AttemptHold, charge: Amount, now_ns: int) -> None:
        if hold.tab is not tab:
            raise AssertionError(f"A hold of {tab.who.call} was settled or released before.")
        hold.tab = None
        ceiling = hold.ceiling
        count = 0 if tab.counted else 1
        changes = (charge.nano - ceiling.nano, charge.tokens - ceiling.tokens, 0, 0)
        charges = (charge.nano, charge.tokens, count, count)
        tab.counted = True
        tab.open_nano -= ceiling.nano
        tab.open_tokens -= ceiling.tokens
        tab.settled_nano += charge.nano
        tab.settled_tokens += charge.tokens
        for account in tab.accounts:
            unit = account.unit
            account.held += changes[unit]
            account.settled += charges[unit]
            if account.spent + account.settled + account.elsewhere >= account.meter.mark:
                self._thresholds.look(account, now_ns)

    def close(self, tab: CallTab) -> None:
        """Closing again does nothing."""
        if tab.closed:
            return
        tab.closed = True
        for account in tab.accounts:
            tab.leave(account)
        for hold in tab.holds:
            hold.tab = None
        if tab.session is not None:
            tab.session.calls -= 1
        del self._tabs[tab]

    # --- what is told ---

    def crossed(self, account: Account, now_ns: int) -> None:
        """Looks at the thresholds of a shared account, when more is known of others."""
        if account.used >= account.meter.mark:
            self._thresholds.look(account, now_ns)

    def crossings(self) -> list[Crossing]:
        return self._thresholds.take()

    def standings(self, now_ns: int) -> list[Standing]:
        """Of every window under way, and the 100 sessions that were last heard of."""
        found = []
        for meter in self._meters.values():
            if meter.identity.per in ("day", "week", "month"):
                found.append(standing.of(self._account_at(meter, now_ns)))
        return found + standing.of_sessions(self._sessions, set(self._meters.values()))

    # --- leases of a shared book ---

    def accounts(self) -> list[Account]:
        """All that may be leased: of windows, and of sessions."""
        windows = [a for meter in self._meters.values() for a in meter.accounts.values()]
        return windows + [a for session in self._sessions for a in session.all_accounts()]

    def gone(self) -> list[Account]:
        """Accounts that were forgotten since this was last asked. Shared books only; what a call
        under way still holds of one is settled in it."""
        gone, self._gone = self._gone, []
        return gone

    def _forget(self, accounts: Iterable[Account]) -> None:
        if self._share:
            self._gone.extend(accounts)


def _by_session(meter: Meter) -> bool:
    return meter.identity.per == "session"
