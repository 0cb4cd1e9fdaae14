"""Who may do what, until policies say more: default deny, and two rules that allow.

The admin key and the local token may do everything; a key may invoke the workloads in its
scope. `provider/model` names bypass workloads, so a scoped key may not use them.
"""

from portico.contract.call import Principal
from portico.contract.errors import InvalidRequest, PolicyDenied

EVERY_WORKLOAD = "*"
OWNERS = ("admin", "local")


def may_invoke(who: Principal, workload: str, *, raw: bool) -> bool:
    """`raw`: the model was named as `provider/model`, past the workloads."""
    if who.kind in OWNERS:
        return True
    if raw or who.kind != "key":
        return False
    return workload in who.workloads or EVERY_WORKLOAD in who.workloads


def authorize(who: Principal, workload: str, *, raw: bool) -> None:
    """Raises PolicyDenied with the rule that is missing."""
    if may_invoke(who, workload, raw=raw):
        return
    if raw:
        raise PolicyDenied(
            f"Key {who.key} may not name 'provider/model' directly. Use a workload's name, "
            "or ask an administrator."
        )
    raise PolicyDenied(
        f"Key {who.key} may not invoke workload '{workload}'. Its scope is "
        f"{', '.join(who.workloads) or 'empty'}."
    )


def authorize_pin(who: Principal, workload: str, *, named: bool) -> None:
    """Choosing a release oneself is for owners. `named`: the call names a workload.

    Raises PolicyDenied, or InvalidRequest where there is no release to choose.
    """
    if who.kind not in OWNERS:
        raise PolicyDenied(
            f"Key {who.key} may not choose a release of workload '{workload}'. Leave out "
            "'portico.release', or use the admin key."
        )
    if not named:
        raise InvalidRequest(
            "'portico.release' chooses a release of a workload, and this call names a model.",
            field="portico.release",
        )


def may_judge(who: Principal, key: str, team: str) -> bool:
    """An answer is judged by the key that made the call, by keys of the team that the call was
    made for, and by owners."""
    if who.kind in OWNERS:
        return True
    return who.kind == "key" and (who.key == key or who.team == team)


def require_owner(who: Principal) -> None:
    """Administration is for the admin key and the local token."""
    if who.kind not in OWNERS:
        raise PolicyDenied(f"Key {who.key} may not administer Portico. Use the admin key.")


def require_metrics(who: Principal) -> None:
    if who.kind not in (*OWNERS, "metrics"):
        raise PolicyDenied(
            f"Key {who.key} may not read metrics. Make one with 'portico key create --metrics'."
        )
