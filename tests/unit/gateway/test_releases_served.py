"""What a release adds to calls, who gets which release, and what the receipt says of it."""

import asyncio
import json
from typing import Any

import msgspec
import pytest
from tests.unit.gateway.harness import CLAUDE_ANSWER, PRICE, SNAPSHOT, Site, answered

from portico.contract.call import Principal
from portico.contract.conversation import Sampling
from portico.contract.own import OwnCall
from portico.contract.prompt import Parameters, PromptVersion
from portico.contract.snapshot import Model, Provider, Release, Snapshot, Workload
from portico.operations.prompts import identify as identify_prompt
from portico.operations.releases import identify

OPENAI = Provider(name="openai", kind="openai")
SMALL = Model(name="small", provider="openai", id="gpt-5-mini", price=PRICE)
CHAT = {"model": "shop", "messages": [{"role": "user", "content": "Is it bright?"}]}


def prompt(text: str) -> PromptVersion:
    return identify_prompt(
        PromptVersion(
            name="shop",
            template=text,
            variables={
                "type": "object",
                "properties": {"product": {"type": "string"}},
                "required": ["product"],
                "additionalProperties": False,
            },
            parameters=Parameters(sampling=Sampling(temperature=0.5)),
        )
    )


def release(text: str) -> Release:
    return identify(
        Release(
            id="",
            workload="shop",
            prompt=prompt(text),
            ladder=((SMALL,),),
            providers=(OPENAI,),
            max_output_tokens=77,
        )
    )


FIRST = release("Sell the {{ product }}.\n--- user ---\nHello\n--- assistant ---\nHi\n")
SECOND = release("Describe the {{ product }}.\n")


def snapshot(**workload: Any) -> Snapshot:
    shop = Workload(name="shop", ladder=(("small",),), **{"release": FIRST.id, **workload})
    return msgspec.structs.replace(
        SNAPSHOT, workloads=(*SNAPSHOT.workloads, shop), releases=(FIRST, SECOND)
    )


def site(answers: int = 1, **workload: Any) -> Site:
    return Site([answered()] * answers, snapshot=snapshot(**workload))


def chat(portico: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**CHAT, **more, "portico": {"variables": {"product": "lamp"}, **portico}}


def ask(to: Site, body: dict[str, Any], **how: Any) -> Any:
    return asyncio.run(to.chat(**body, **how))


def test_a_releases_prompt_goes_before_the_calls_own_messages() -> None:
    shop = site()
    assert ask(shop, chat({})).status == 200
    sent = shop.sent()
    assert [(each["role"], each["content"]) for each in sent["messages"]] == [
        ("system", "Sell the lamp."),
        ("user", "Hello"),
        ("assistant", "Hi"),
        ("user", "Is it bright?"),
    ]
    assert sent["temperature"] == 0.5
    assert sent["max_completion_tokens"] == 77
    assert "portico" not in sent
    receipt = shop.receipt
    assert (receipt.release, receipt.assigned) == (FIRST.id, "live")
    assert FIRST.prompt is not None
    assert (receipt.prompt, receipt.prompt_version) == ("shop", FIRST.prompt.version)
    assert (receipt.prompt_source, receipt.parameters) == ("registered", ("temperature",))


def test_what_a_call_sets_itself_stays() -> None:
    shop = site()
    ask(shop, chat({}, temperature=0, max_tokens=5))
    assert shop.sent()["temperature"] == 0
    assert shop.receipt.parameters == ()
    assert shop.receipt.cap_source == "caller"


@pytest.mark.parametrize(
    ("variables", "named"), [({}, "product"), ({"product": "lamp", "colour": "red"}, "colour")]
)
def test_variables_that_are_missing_or_unknown_are_named_and_nothing_is_sent(
    variables: dict[str, str], named: str
) -> None:
    shop = site()
    reply = ask(shop, {**CHAT, "portico": {"variables": variables}})
    assert reply.status == 400
    assert named in reply.body.decode()
    assert not shop.upstream.requests
    assert shop.receipt.status == "refused"


def test_an_owner_may_choose_a_release_and_others_may_not() -> None:
    shop = site()
    refused = ask(shop, chat({"release": SECOND.id}))
    assert refused.status == 403
    assert ask(shop, chat({"release": SECOND.id}), key="admin").status == 200
    assert shop.sent()["messages"][0]["content"] == "Describe the lamp."
    assert (shop.receipts[-1].release, shop.receipts[-1].assigned) == (SECOND.id, "pinned")


def test_a_release_that_the_workload_never_had_is_refused_with_where_to_look() -> None:
    shop = site()
    reply = ask(shop, chat({"release": "rel_0000"}), key="admin")
    assert reply.status == 400
    assert "/workloads/shop/releases" in reply.body.decode()


def test_a_release_of_a_call_that_names_a_model_is_refused() -> None:
    shop = site()
    body = {**CHAT, "model": "openai/gpt-5-mini", "portico": {"release": FIRST.id}}
    assert ask(shop, body, key="admin").status == 400


def test_a_session_stays_with_the_candidate_and_the_share_is_kept() -> None:
    sessions = [f"session {number}" for number in range(60)] * 2
    shop = site(len(sessions), candidate=SECOND.id, share=0.5)
    for session in sessions:
        assert ask(shop, chat({"session": session})).status == 200
    served: dict[str, set[str]] = {}
    for receipt in shop.receipts:
        served.setdefault(receipt.session, set()).add(receipt.release)
        assert receipt.assigned == ("candidate" if receipt.release == SECOND.id else "live")
    assert all(len(releases) == 1 for releases in served.values())
    candidates = sum(releases == {SECOND.id} for releases in served.values())
    assert 15 < candidates < 45


def test_the_prompt_is_put_into_a_call_of_the_other_door_and_over_another_wire() -> None:
    shop = Site([answered(CLAUDE_ANSWER)])
    claude = msgspec.structs.replace(
        release("Sell the {{ product }}."),
        id="",
        ladder=((Model(name="large", provider="claude", id="claude-sonnet-4-5", price=PRICE),),),
        providers=(Provider(name="claude", kind="anthropic"),),
    )
    named = identify(claude)
    shop.publish(
        msgspec.structs.replace(
            SNAPSHOT,
            workloads=(Workload(name="shop", ladder=(("large",),), release=named.id),),
            releases=(named,),
        )
    )
    assert ask(shop, chat({})).status == 200
    sent = shop.sent()
    assert sent["system"] in ("Sell the lamp.", [{"type": "text", "text": "Sell the lamp."}])
    assert sent["temperature"] == 0.5


def test_a_prompt_that_the_application_sends_itself_is_named_and_noted_once() -> None:
    shop = site(3)
    for name in ("Ann", "Bob", "Cleo"):
        system = f"You are a helpful clerk of the shop. The customer is called {name}. Be brief."
        body = {"model": "support", "messages": [{"role": "system", "content": system},
                                                 {"role": "user", "content": "Hi"}]}  # fmt: skip
        assert ask(shop, body).status == 200
    (name,) = {receipt.prompt for receipt in shop.receipts}
    assert name.startswith("observed:")
    assert {receipt.prompt_source for receipt in shop.receipts} == {"observed"}
    asyncio.run(shop.notes.flushed())
    (happening,) = shop.store.happenings(10)
    assert (happening.kind, happening.workload, happening.subject) == (
        "prompt_observed",
        "support",
        name,
    )
    (prompt_,) = shop.store.observed()
    assert "Ann" not in prompt_.text


def test_an_adopted_prompt_that_the_application_still_sends_goes_by_its_own_name() -> None:
    system = "You are a helpful clerk of the shop. Be brief."
    body = {"model": "support", "messages": [{"role": "system", "content": system},
                                             {"role": "user", "content": "Hi"}]}  # fmt: skip
    shop = site(2)
    ask(shop, body)
    fingerprint = shop.receipt.prompt.removeprefix("observed:")
    adopted = identify_prompt(PromptVersion(name="clerk", template=system, observed=fingerprint))
    shop.publish(msgspec.structs.replace(snapshot(), adopted=(adopted,)))
    ask(shop, body)
    newest = shop.receipts[-1]
    assert (newest.prompt, newest.prompt_source) == ("clerk", "adopted")
    assert newest.prompt_version == adopted.version


@pytest.mark.parametrize("kept", [True, False])
def test_what_was_said_is_kept_only_where_the_workload_says_so(kept: bool) -> None:
    shop = site(transcripts=kept)
    reply = ask(shop, chat({"subject": "person 7"}))
    asyncio.run(shop.notes.flushed())
    transcript = shop.store.transcript(shop.receipt.call)
    assert (transcript is not None) is kept
    if transcript is not None:
        assert json.loads(transcript.request) == chat({"subject": "person 7"})
        assert transcript.answer == reply.body
        assert (transcript.subject, transcript.release) == ("person 7", FIRST.id)


def test_a_call_is_made_again_under_another_release() -> None:
    shop = site(2)
    ask(shop, chat({"release": FIRST.id}), key="admin")
    who = Principal(key="key_admin", kind="admin")
    own = OwnCall(
        door="openai_chat",
        body=json.dumps(chat({"release": FIRST.id})).encode(),
        who=who,
        of=shop.receipt.call,
    )

    made = asyncio.run(shop.caller.call(own, SECOND.id))
    assert made.status == 200
    assert shop.sent(1)["messages"][0]["content"] == "Describe the lamp."
    assert made.receipt is not None
    assert (made.receipt.origin, made.receipt.replay_of) == ("replay", own.of)
    assert made.receipt.release == SECOND.id
    assert made.receipt.cost_nano > 0


def test_a_call_made_again_that_fails_says_why_and_is_recorded() -> None:
    shop = site()
    who = Principal(key="key_admin", kind="admin")
    own = OwnCall(door="openai_chat", body=json.dumps(CHAT).encode(), who=who, of="call_1")
    made = asyncio.run(shop.caller.call(own, ""))
    assert made.status == 400
    assert b"product" in made.body
    assert made.receipt is not None
    assert made.receipt.status == "refused"


def test_a_prompts_metrics_are_bounded_by_names() -> None:
    shop = site()
    ask(shop, chat({}))
    text = shop.io.metrics.render(shop.memory.state(), shop.notes.state()).decode()
    assert 'portico_prompts_total{prompt="shop",source="registered",workload="shop"} 1.0' in text


def test_a_workload_goes_before_a_bare_id_of_the_same_name() -> None:
    twin = Workload(name="gpt-5-mini", ladder=(("large",),))
    shop = Site(snapshot=msgspec.structs.replace(SNAPSHOT, workloads=(twin,)))
    found = shop.slot.live.route("gpt-5-mini")
    assert (found.workload.name, found.model.name, found.named) == ("gpt-5-mini", "large", True)
    bare = shop.slot.live.route("openai/gpt-5-mini")
    assert (bare.workload.name, bare.model.name, bare.named) == ("default", "small", False)
