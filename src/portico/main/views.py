"""What serves, as the rooms of control want to see it."""

from collections.abc import Sequence

from portico.contract.errors import InvalidRequest
from portico.control.deployments.shown import Standing
from portico.control.projects.serving import Serving
from portico.control.prompts.registry import ProjectPrompts
from portico.main.publisher import Publisher


def standing(publisher: Publisher) -> Standing:
    serving = publisher.serving
    return Standing(
        snapshot=publisher.slot.live.snapshot,
        pointers=serving.deployments,
        made=_made(serving),
    )


def registered(publisher: Publisher) -> Sequence[ProjectPrompts]:
    """`default` first, then by name."""
    serving, snapshot = publisher.serving, publisher.slot.live.snapshot
    releases = {release.id: release for release in snapshot.releases}
    found = []
    for name, shipped in serving.ordered():
        mine = [each for each in snapshot.workloads if each.project == name]
        live = {each.name: releases.get(each.release) for each in mine}
        found.append(
            ProjectPrompts(
                project=name,
                prompts={prompt.name: prompt for prompt in shipped.compiled.prompts},
                live={
                    workload: release.prompt
                    for workload, release in live.items()
                    if release is not None and release.prompt is not None
                },
                workloads=tuple(live),
                files=shipped.applied.files,
            )
        )
    return found


def _made(serving: Serving) -> dict[str, str]:
    """Empty where the projects do not compile and the last good snapshot serves."""
    try:
        return {each.name: each.release for each in serving.merged.workloads}
    except InvalidRequest:
        return {}
