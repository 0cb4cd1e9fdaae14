"""Default deny, and the two rules that allow."""

from typing import Literal

import pytest

from portico.contract.call import Principal
from portico.contract.errors import PolicyDenied
from portico.security.access import authorize, may_invoke, require_metrics, require_owner

Kind = Literal["key", "admin", "metrics", "local"]


def who(kind: Kind, *workloads: str) -> Principal:
    return Principal(key="key_1", kind=kind, workloads=workloads)


@pytest.mark.parametrize(
    ("principal", "workload", "raw", "allowed"),
    [
        (who("admin"), "support", False, True),
        (who("admin"), "default", True, True),
        (who("local"), "support", True, True),
        (who("key", "support"), "support", False, True),
        (who("key", "support"), "other", False, False),
        (who("key", "default"), "default", True, False),
        (who("key", "*"), "anything", False, True),
        (who("key", "*"), "default", True, False),
        (who("key"), "default", False, False),
        (who("metrics", "default"), "default", False, False),
    ],
)
def test_who_may_invoke_what(principal: Principal, workload: str, raw: bool, allowed: bool) -> None:
    assert may_invoke(principal, workload, raw=raw) is allowed


def test_a_denial_names_the_scope_that_is_missing() -> None:
    with pytest.raises(PolicyDenied, match=r"'other'.*support"):
        authorize(who("key", "support"), "other", raw=False)
    with pytest.raises(PolicyDenied, match="provider/model"):
        authorize(who("key", "*"), "default", raw=True)


def test_administration_is_for_owners_and_metrics_for_their_own_key() -> None:
    require_owner(who("admin"))
    require_owner(who("local"))
    require_metrics(who("metrics"))
    for kind in ("key", "metrics"):
        with pytest.raises(PolicyDenied):
            require_owner(who(kind, "*"))
    with pytest.raises(PolicyDenied):
        require_metrics(who("key", "*"))
