"""The promise of the journal's room: what is reserved always fits, in whatever order it comes."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from portico.adapters.journal.room import Room, Shape, admits, after, guaranteed

SHAPE = Shape.of(4096)
SIZES = st.integers(1, SHAPE.bound)


class Bookkeeping(RuleBasedStateMachine):
    """Intents reserve, receipts of any size up to their reservation arrive, segments come free."""

    def __init__(self) -> None:
        super().__init__()
        self.room = Room(0, 4)
        self.used = 0
        self.held: list[int] = []

    def write(self, size: int) -> None:
        then = after(SHAPE, self.room, size)
        assert then is not None, "something was promised that does not fit"
        self.used += self.room.free - then.free
        self.room = then

    @rule(size=SIZES, reserve=SIZES)
    def intend(self, size: int, reserve: int) -> None:
        if admits(SHAPE, self.room, size, sum(self.held) + reserve):
            self.write(size)
            self.held.append(reserve)

    @rule(size=SIZES)
    def record_without_an_intent(self, size: int) -> None:
        if admits(SHAPE, self.room, size, sum(self.held)):
            self.write(size)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def record(self, data: st.DataObject) -> None:
        reserve = self.held.pop(data.draw(st.integers(0, len(self.held) - 1)))
        self.write(data.draw(st.integers(1, reserve)))

    @precondition(lambda self: self.used > 1)
    @rule()
    def recycle(self) -> None:
        self.used -= 1
        self.room = Room(self.room.left, self.room.free + 1)

    @invariant()
    def everything_held_still_fits(self) -> None:
        assert sum(self.held) <= guaranteed(SHAPE, self.room)

    def teardown(self) -> None:
        for reserve in self.held:
            self.write(reserve)


Bookkeeping.TestCase.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
TestWhatIsReservedAlwaysFits = Bookkeeping.TestCase
