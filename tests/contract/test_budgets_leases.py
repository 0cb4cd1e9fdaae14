"""What the server of shared budgets grants, to whom, and what it does when it has forgotten."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator, Sequence

import pytest
from redis.asyncio import Redis
from tests.contract.valkey_server import Valkey, valkey

from portico.adapters.budgets.leases import PREFIX, Answer, Away, Claim, Server

LONG_S = 3600.0


@pytest.fixture(scope="module")
def served() -> Iterator[Valkey]:
    with valkey() as server:
        yield server


class Replica:
    """One that keeps to the laws: it knows its last token, and what it may spend of one account."""

    def __init__(self, url: str, name: str, gather_s: float = 0.0) -> None:
        self.server, self.name = Server(url, name, gather_s), name
        self.token, self.lease, self.amount = "", 0, 1000
        self.answer = Answer("ok", {}, "")

    def claim(self, lack: int = 0, spent: int = 0, *, done: bool = False) -> Claim:
        return Claim(
            token=self.token,
            lease=str(self.lease),
            spent=str(spent),
            lack=str(lack),
            amount=str(self.amount),
            ttl=60_000,
            roster=self.answer.roster(),
            done=done,
        )

    async def send(self, keys: Sequence[str], claims: Sequence[Claim]) -> list[Answer]:
        return (await self.server.contact(keys, claims)).answers

    async def ask(self, key: str, lack: int = 0, spent: int = 0, *, done: bool = False) -> str:
        [answer] = await self.send([key], [self.claim(lack, spent, done=done)])
        self.answer = answer
        self.lease, self.token = answer.lease(self.name), answer.token(self.name)
        return answer.state


Body = Callable[[Sequence[Replica], str], Awaitable[None]]


def among(server: Valkey, count: int, body: Body, gather_s: float = 0.0) -> None:
    """Runs the body with replicas and an account that nobody else uses."""

    async def main() -> None:
        replicas = [Replica(server.url, f"r{n}", gather_s) for n in range(count)]
        try:
            async with asyncio.timeout(60):
                await body(replicas, f"account-{random.getrandbits(64):x}")
        finally:
            for each in replicas:
                await each.server.close()

    asyncio.run(main())


async def forget(server: Valkey, key: str) -> None:
    async with Redis.from_url(server.url) as operator:
        await operator.delete(PREFIX + key)


def test_leases_of_several_accounts_are_granted_together_or_not_at_all(served: Valkey) -> None:
    async def body(replicas: Sequence[Replica], key: str) -> None:
        one, other = replicas
        await other.ask(key + "/narrow", lack=990)
        claims = [one.claim(lack=500), one.claim(lack=11)]
        wide, narrow = await one.send([key, key + "/narrow"], claims)
        assert (wide.state, narrow.state) == ("ok", "short")
        assert (wide.lease("r0"), narrow.lease("r0")) == (0, 0)
        wide, narrow = await one.send(
            [key, key + "/narrow"], [one.claim(lack=500), one.claim(lack=10)]
        )
        assert (wide.lease("r0"), narrow.lease("r0")) == (500, 10)

    among(served, 2, body)


def test_whoever_asks_at_once_is_never_granted_more_than_the_amount(served: Valkey) -> None:
    async def body(replicas: Sequence[Replica], key: str) -> None:
        dice = random.Random(7)

        async def greedy(replica: Replica) -> None:
            for _ in range(40):
                await replica.ask(key, lack=dice.randint(1, 60))

        await asyncio.gather(*map(greedy, replicas))
        leases = sum(each.lease for each in replicas)
        assert 900 < leases <= 1000

    among(served, 8, body)


def test_a_grant_holds_more_than_is_lacking_while_much_is_free(served: Valkey) -> None:
    async def body(replicas: Sequence[Replica], key: str) -> None:
        one, other = replicas
        await one.ask(key, lack=1)
        assert one.lease == 1000 // 50
        await other.ask(key, lack=960)
        await one.ask(key, lack=1)
        assert one.lease == 20 + 20 // 8

    among(served, 2, body)


def test_a_request_that_was_given_up_and_comes_late_lowers_no_lease(served: Valkey) -> None:
    async def body(replicas: Sequence[Replica], key: str) -> None:
        one, other = replicas
        await one.ask(key, lack=400)
        one.lease = 100
        late = one.claim()
        one.lease = 400
        one.token = "unheard"
        await one.ask(key)  # it has not heard, so it takes what the server has for it
        assert one.lease == 400
        [answer] = await one.send([key], [late])
        assert answer.lease("r0") == 400
        assert await other.ask(key, lack=601) == "short"

    among(served, 2, body)


def test_what_is_returned_can_be_granted_to_another(served: Valkey) -> None:
    async def body(replicas: Sequence[Replica], key: str) -> None:
        one, other = replicas
        await one.ask(key, lack=1000)
        assert await other.ask(key, lack=300) == "short"
        await one.ask(key)
        assert one.answer.wanted("r0")
        assert not one.answer.wanted("r1")
        one.lease = 700
        await one.ask(key)
        assert await other.ask(key, lack=300) == "ok"
        assert (one.lease, other.lease) == (700, 300)

    among(served, 2, body)


def test_a_lowered_amount_counts_at_once_and_takes_nothing_away(served: Valkey) -> None:
    async def body(replicas: Sequence[Replica], key: str) -> None:
        one, other = replicas
        await one.ask(key, lack=600)
        one.amount = other.amount = 500
        assert await other.ask(key, lack=1) == "short"
        assert await one.ask(key, lack=1) == "short"
        assert one.lease == 600
        one.amount = 700
        assert await one.ask(key, lack=50) == "ok"

    among(served, 2, body)


def test_a_forgotten_account_grants_nothing_until_all_who_had_a_lease_are_back(
    served: Valkey,
) -> None:
    async def body(replicas: Sequence[Replica], key: str) -> None:
        one, other, third = replicas
        await one.ask(key, lack=300)
        await other.ask(key, lack=300)
        await one.ask(key)
        await forget(served, key)
        assert await one.ask(key, lack=1) == "waiting"
        assert await third.ask(key, lack=1) == "waiting"
        await other.ask(key)
        assert await third.ask(key, lack=401) == "short"
        assert await third.ask(key, lack=400) == "ok"
        assert [each.lease for each in replicas] == [300, 300, 400]

    among(served, 3, body)


def test_who_has_left_is_remembered_by_the_others_and_waited_for_by_none(served: Valkey) -> None:
    async def body(replicas: Sequence[Replica], key: str) -> None:
        one, other = replicas
        await other.ask(key, lack=300)
        other.lease = 200
        await other.ask(key, spent=200, done=True)
        await one.ask(key)
        await forget(served, key)
        assert await one.ask(key, lack=801) == "short"
        assert await one.ask(key, lack=800) == "ok"
        assert one.answer.total("s:") == 200
        await other.ask(key, spent=200)
        assert one.answer.roster()["r1"].done
        assert not other.answer.roster()["r1"].done

    among(served, 2, body)


def test_an_account_that_others_may_have_used_gathers_before_it_grants(served: Valkey) -> None:
    async def body(replicas: Sequence[Replica], key: str) -> None:
        one, other = replicas
        claim = Claim(lease="0", lack="10", amount="1000", wait=3_600_000, ttl=60_000)
        [answer] = await one.send([key], [claim])
        assert (answer.state, answer.lease("r0")) == ("gathering", 0)
        other.lease = 995  # what it spent before
        assert await other.ask(key) == "ok"
        async with Redis.from_url(served.url) as server:
            await server.hset(PREFIX + key, "from", "0")  # the time is over
        assert await one.ask(key, lack=6) == "short"
        assert await one.ask(key, lack=5) == "ok"

    among(served, 2, body)


def test_a_server_that_has_just_begun_gathers_before_it_grants_anything() -> None:
    async def body(replicas: Sequence[Replica], key: str) -> None:
        assert await replicas[0].ask(key, lack=1) == "gathering"

    with valkey() as server:
        among(server, 1, body, gather_s=LONG_S)


def test_a_replica_that_begins_again_with_its_name_has_its_lease_again(served: Valkey) -> None:
    async def body(replicas: Sequence[Replica], key: str) -> None:
        await replicas[0].ask(key, lack=300)
        again = Replica(served.url, "r0")
        again.lease = 120  # what its ledger has
        await again.ask(key)
        assert again.lease == 300
        late = Replica(served.url, "r0")
        late.lease = 1010  # it spent more than was granted
        await late.ask(key)
        assert late.lease == 1010
        assert await replicas[1].ask(key, lack=1) == "short"
        await again.server.close()
        await late.server.close()

    among(served, 2, body)


def test_a_threshold_is_told_to_one_replica_once(served: Valkey) -> None:
    async def body(replicas: Sequence[Replica], key: str) -> None:
        told = []
        for spent in (300, 400, 450, 500):
            for each in replicas:
                claim = each.claim(spent=spent)
                claim = Claim(lease="500", amount="1000", ttl=60_000, spent=str(spent),
                              thresholds={"0.8": "800", "1": "1000"})  # fmt: skip
                [answer] = await each.send([key], [claim])
                told.append(answer.told)
        assert told == ["", "", "", "0.8", "", "", "", "1"]

    among(served, 2, body)


def test_amounts_beyond_what_a_double_counts_are_never_granted_in_excess(served: Valkey) -> None:
    async def body(replicas: Sequence[Replica], key: str) -> None:
        amount = 9_223_372_036_854_775_807
        for each in replicas:
            each.amount = amount
        state = "ok"
        while state == "ok":
            for each in replicas:
                state = await each.ask(key, lack=amount // 5 + 1)
        assert amount * 0.7 < sum(each.lease for each in replicas) <= amount

    among(served, 3, body)


def test_an_amount_that_a_double_rounds_up_is_not_rounded_up(served: Valkey) -> None:
    async def body(replicas: Sequence[Replica], key: str) -> None:
        replicas[0].amount = 2**53 + 3
        assert await replicas[0].ask(key, lack=2**53 + 4) == "short"
        assert await replicas[0].ask(key, lack=2**52) == "ok"

    among(served, 1, body)


def test_what_a_replica_said_it_has_spent_stays_said(served: Valkey) -> None:
    async def body(replicas: Sequence[Replica], key: str) -> None:
        await replicas[0].ask(key, lack=300, spent=200)
        await replicas[0].ask(key, spent=0)
        assert replicas[0].answer.total("s:") == 200

    among(served, 1, body)


def test_a_server_that_forgot_the_script_is_given_it_again(served: Valkey) -> None:
    async def body(replicas: Sequence[Replica], key: str) -> None:
        await replicas[0].ask(key)
        async with Redis.from_url(served.url) as operator:
            await operator.script_flush()
        assert await replicas[0].ask(key, lack=5) == "ok"

    among(served, 1, body)


def test_a_server_that_is_gone_is_away() -> None:
    async def body(replicas: Sequence[Replica], key: str) -> None:
        await replicas[0].ask(key, lack=5)
        server.kill()
        with pytest.raises(Away, match="does not answer"):
            await replicas[0].ask(key, lack=5)
        server.start()
        assert await replicas[0].ask(key, lack=5) == "ok"

    with valkey() as server:
        among(server, 1, body)
