"""Pointers and releases as they are shown. Apart from the routes, which cost the import of
FastAPI."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from portico.contract.deployment import Act, Deployment, Happening, StoredRelease
from portico.contract.snapshot import Release, Snapshot
from portico.operations.releases import differences, ladder_words


class ShownWorkload(msgspec.Struct, frozen=True, kw_only=True):
    """A workload and its pointer."""

    name: str
    project: str
    team: str
    lane: str
    release: str
    """The release that is live."""
    prompt: str = ""
    version: str = ""
    ladder: str = ""
    candidate: str = ""
    share: float = 0.0
    """The candidate's part of the traffic, 0 to 1."""
    since_ns: int = 0
    by: str = ""
    why: str = ""
    action: str = ""
    """What moved the pointer last. Empty: it has none, the directory serves without an apply."""
    drift: str = ""
    """How the pointer differs from its directory; empty where it does not."""


class WorkloadList(msgspec.Struct, frozen=True):
    workloads: Sequence[ShownWorkload]


class ShownRelease(msgspec.Struct, frozen=True, kw_only=True):
    """A release in the line of its workload, newest first."""

    id: str
    workload: str
    project: str
    created_ns: int
    by: str
    message: str
    live: bool
    candidate: bool
    prompt: str = ""
    version: str = ""
    ladder: str = ""
    max_output_tokens: int | None = None
    changes: Sequence[str] = ()
    """What differs from the release after it in the list; the oldest has none."""


class ReleaseList(msgspec.Struct, frozen=True):
    releases: Sequence[ShownRelease]


class WholeRelease(msgspec.Struct, frozen=True, kw_only=True):
    """A release with everything in it."""

    release: Release
    created_ns: int
    by: str
    message: str
    live: bool
    candidate: bool


class ActList(msgspec.Struct, frozen=True):
    acts: Sequence[Act]


class HappeningList(msgspec.Struct, frozen=True):
    happenings: Sequence[Happening]


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What serves at a moment."""

    snapshot: Snapshot
    pointers: Mapping[str, Deployment]
    """By workload; none where nothing was ever applied."""
    made: Mapping[str, str]
    """The release that each workload's directory makes."""


Standings = Callable[[], Standing]


def workloads(at: Standing) -> tuple[ShownWorkload, ...]:
    """In the order of projects and files."""
    releases = {release.id: release for release in at.snapshot.releases}
    return tuple(
        msgspec.structs.replace(
            ShownWorkload(
                name=workload.name,
                project=workload.project,
                team=workload.team,
                lane=workload.lane,
                release=workload.release,
                candidate=workload.candidate,
                share=workload.share,
                drift=_drift(workload.release, at.made.get(workload.name, workload.release)),
            ),
            **_pointer(at.pointers.get(workload.name)),
            **_words(releases.get(workload.release)),
        )
        for workload in at.snapshot.workloads
    )


def releases(
    found: Sequence[StoredRelease], pointer: Deployment | None
) -> tuple[ShownRelease, ...]:
    """As the store lists them, each with what differs from the one before it in time."""
    older = (*(each.release for each in found[1:]), None)
    return tuple(
        msgspec.structs.replace(
            ShownRelease(
                id=each.release.id,
                workload=each.release.workload,
                project=each.release.project,
                created_ns=each.created_ns,
                by=each.by,
                message=each.message,
                live=_points(pointer, each.release.id),
                candidate=pointer is not None and pointer.candidate == each.release.id,
                max_output_tokens=each.release.max_output_tokens,
                changes=_changes(before, each.release),
            ),
            **_words(each.release),
        )
        for each, before in zip(found, older, strict=True)
    )


def whole(found: StoredRelease, pointer: Deployment | None) -> WholeRelease:
    return WholeRelease(
        release=found.release,
        created_ns=found.created_ns,
        by=found.by,
        message=found.message,
        live=_points(pointer, found.release.id),
        candidate=pointer is not None and pointer.candidate == found.release.id,
    )


def _changes(old: Release | None, new: Release) -> tuple[str, ...]:
    return tuple(each.message for each in differences(old, new)) if old is not None else ()


def _drift(live: str, made: str) -> str:
    return "" if live == made else f"the directory makes {made}"


def _pointer(pointer: Deployment | None) -> dict[str, object]:
    if pointer is None:
        return {}
    return {
        "since_ns": pointer.since_ns,
        "by": pointer.by,
        "why": pointer.why,
        "action": pointer.action,
    }


def _points(pointer: Deployment | None, id_: str) -> bool:
    return pointer is not None and pointer.live == id_


def _words(release: Release | None) -> dict[str, str]:
    if release is None:
        return {}
    prompt = release.prompt
    return {
        "ladder": ladder_words(release),
        "prompt": prompt.name if prompt is not None else "",
        "version": prompt.version if prompt is not None else "",
    }
