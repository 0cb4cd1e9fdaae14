"""Rollback: one pointer, moved to another release of its workload."""

from dataclasses import dataclass

import msgspec

from portico.contract.deployment import Act, Deployment
from portico.contract.errors import InvalidRequest, UnknownRoute
from portico.contract.snapshot import Release
from portico.control.projects.deploying import previous
from portico.control.projects.outcome import RolledBack, Turn
from portico.control.projects.serving import Serving
from portico.methods.nearest import nearest

SHOWN = 5


@dataclass(frozen=True)
class Return:
    """A rollback that nothing has been done for yet."""

    after: Serving
    pointer: Deployment
    act: Act
    done: RolledBack


def wanted(serving: Serving, turn: Turn) -> str:
    """The id of the release that a rollback goes to.

    Raises UnknownRoute for a workload that there is not, InvalidRequest where it has no other
    release.
    """
    pointer = _pointer(serving, turn)
    if turn.to is not None:
        return turn.to
    found = previous(pointer, serving.recent.get(turn.workload, ()))
    if found is None:
        raise InvalidRequest(
            f"The workload '{turn.workload}' has had no other release than {pointer.live}, so "
            "there is nothing to go back to.",
            field="to",
        )
    return found


def checked(serving: Serving, turn: Turn, release: Release | None, now_ns: int) -> Return:
    """The rollback to `release`. Raises InvalidRequest where it is none of the workload's."""
    old = _pointer(serving, turn)
    if release is None or (release.workload, release.project) != (turn.workload, old.project):
        known = [each.id for each in serving.recent.get(turn.workload, ()) if each.id != old.live]
        raise InvalidRequest(
            f"The workload '{turn.workload}' has no release '{(turn.to or '')[:100]}'; it has "
            f"{', '.join(known[:SHOWN]) or 'no other'}.",
            field="to",
        )
    if release.id == old.live and not old.candidate:
        raise InvalidRequest(
            f"The release {release.id} is what the workload '{turn.workload}' serves already.",
            field="to",
        )
    pointer = msgspec.structs.replace(
        old,
        live=release.id,
        candidate="",
        share=0.0,
        since_ns=now_ns,
        by=turn.by,
        why=turn.why,
        action="rollback",
    )
    return Return(
        after=serving.with_pointer(pointer, release),
        pointer=pointer,
        act=Act(
            at_ns=now_ns,
            who=turn.by,
            action="rollback",
            project=old.project,
            target=turn.workload,
            why=turn.why,
            before=old.live,
            after=release.id,
        ),
        done=RolledBack(workload=turn.workload, from_=old.live, to=release.id, since_ns=now_ns),
    )


def _pointer(serving: Serving, turn: Turn) -> Deployment:
    found = serving.deployments.get(turn.workload)
    if found is None:
        near = nearest(turn.workload, serving.deployments)
        there = f"did you mean {' or '.join(near)}?" if near else "GET /admin/v1/workloads lists"
        raise UnknownRoute(
            f"There is no workload '{turn.workload[:100]}' with releases; {there}"
            f"{'' if near else ' them.'}",
            field="name",
        )
    return found
