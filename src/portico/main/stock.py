"""What is served, as the store has it: projects, pointers, and the releases at hand."""

from collections.abc import Mapping, Sequence

from portico.contract.deployment import Deployment
from portico.contract.ports import Store
from portico.contract.snapshot import Release
from portico.control.projects.deploying import RECENT
from portico.control.projects.serving import Serving, Shipped


def stocked(store: Store, projects: Mapping[str, Shipped]) -> Serving:
    """Also where a project does not compile."""
    found = Serving(projects, _pointers(store, projects))
    recent = {name: _recent(store, pointer) for name, pointer in found.deployments.items()}
    return found.with_recent(recent)


def _pointers(store: Store, projects: Mapping[str, Shipped]) -> dict[str, Deployment]:
    pointers = store.deployments()
    return {each.workload: each for each in pointers if each.project in projects}


def _recent(store: Store, pointer: Deployment) -> Sequence[Release]:
    newest = store.releases(pointer.workload, RECENT)
    found = {each.release.id: each.release for each in newest}
    for id_ in (pointer.candidate, pointer.live):
        if id_ and id_ not in found and (stored := store.release(id_)) is not None:
            found[id_] = stored.release
    return tuple(found.values())
