"""The rules of applies and rollbacks, for every store that keeps pointers."""

from portico.contract.deployment import Deployment, Shipment
from portico.contract.errors import InvalidRequest


def pointed(deployment: Deployment, current: Deployment | None) -> list[tuple[str, str]]:
    """The releases that a pointer names, each with the one in its place until now; live last."""
    before = ("", "") if current is None else (current.candidate, current.live)
    candidate = [(deployment.candidate, before[0])] if deployment.candidate else []
    return [*candidate, (deployment.live, before[1])]


def check_base(shipment: Shipment, live: str) -> None:
    if shipment.base is not None and shipment.base != live:
        raise InvalidRequest(
            f"Something else was applied to the project {shipment.applied.project} meanwhile, so "
            "this was not. Look at the plan again, then apply.",
            field="base",
        )


def check_expected(deployment: Deployment, current: Deployment | None, expected: str) -> None:
    if current is None or current.live != expected:
        live = f"serves {current.live}" if current is not None else "is not deployed"
        raise InvalidRequest(
            f"The workload {deployment.workload} {live} now, not {expected or 'nothing'}, so its "
            "pointer was not moved. Look at what is live, then try again.",
            field="release",
        )


def check_project(deployment: Deployment, project: str) -> None:
    if deployment.project != project:
        raise InvalidRequest(
            f"The workload {deployment.workload} is of the project {deployment.project}, and this "
            f"is an apply of the project {project}.",
            field="project",
        )


def check_owner(deployment: Deployment, current: Deployment | None) -> None:
    if current is not None and current.project != deployment.project:
        raise InvalidRequest(
            f"The workload {deployment.workload} belongs to the project {current.project}. Give "
            f"the one of the project {deployment.project} another name.",
            field="workload",
        )


def not_stored(deployment: Deployment, id_: str) -> InvalidRequest:
    return InvalidRequest(
        f"The workload {deployment.workload} has no release {id_ or 'without a name'} to serve.",
        field="release",
    )
