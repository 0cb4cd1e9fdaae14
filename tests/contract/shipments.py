"""Releases, prompts and pointers for the tests of stores."""

from collections.abc import Sequence

from portico.contract.deployment import (
    Act,
    Applied,
    Deployment,
    Shipment,
    StoredRelease,
    StoredVersion,
)
from portico.contract.money import Price, Rates
from portico.contract.prompt import PromptVersion
from portico.contract.snapshot import Facts, Model, Network, Provider, Release


def a_prompt(version: str, name: str = "greeting") -> PromptVersion:
    return PromptVersion(
        name=name,
        version=version,
        template="Hello, {{ who }}. Grüße!\n",
        includes=(("prompts/part.md", "part\x00"),),
        variables={"type": "object", "properties": {"who": {"type": "string", "maxLength": 9}}},
        untrusted=("who",),
    )


def a_version(version: str, by: str = "zoë", *, name: str = "greeting") -> StoredVersion:
    return StoredVersion(
        prompt=a_prompt(version, name), project="default", created_ns=5, author=by, message="why"
    )


def a_release(id_: str, workload: str = "support", by: str = "zoë") -> StoredRelease:
    rates = Rates(input=250_000, output=2_000_000)
    model = Model(
        name="small",
        provider="openai",
        id="gpt-5-mini",
        price=Price(rates=rates),
        facts=Facts(context=9),
        size=8e9,
    )
    provider = Provider(name="openai", kind="openai", network=Network(connect_s=1.5))
    release = Release(
        id=id_,
        workload=workload,
        prompt=a_prompt("ver_1"),
        ladder=((model,),),
        providers=(provider,),
        guards={"input": ["pii"]},
    )
    return StoredRelease(release=release, created_ns=7, by=by, message="first")


def a_pointer(live: str, workload: str = "support", candidate: str = "") -> Deployment:
    return Deployment(
        workload=workload,
        project="default",
        live=live,
        candidate=candidate,
        share=0.25 if candidate else 0.0,
        since_ns=2**60,
        by="zoë",
        why="because",
    )


def an_act(target: str, before: str = "", after: str = "") -> Act:
    return Act(
        at_ns=3,
        who="zoë",
        action="apply",
        project="default",
        target=target,
        why="because",
        before=before,
        after=after,
    )


def applied(digest: str, project: str = "default") -> Applied:
    files = {"portico.yaml": f"project: {project}  # {digest}\n"}
    return Applied(project=project, files=files, digest=digest, applied_ns=1, by="zoë")


def a_shipment(
    digest: str,
    releases: Sequence[StoredRelease] = (),
    deployments: Sequence[Deployment] | None = None,
    *,
    base: str | None = None,
) -> Shipment:
    """Points every workload to its last release, where `deployments` does not say otherwise."""
    pointers = [a_pointer(each.release.id, each.release.workload) for each in releases]
    return Shipment(
        applied=applied(digest),
        base=base,
        releases=tuple(releases),
        versions=(a_version("ver_1"),),
        deployments=tuple(pointers if deployments is None else deployments),
        acts=(an_act("", after=digest),),
    )
