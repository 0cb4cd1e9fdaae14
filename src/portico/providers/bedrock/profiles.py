"""What a Bedrock model id stands for: the model behind it, and where it may run.

https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonbedrock.html
"""

import re
from collections.abc import Mapping
from typing import Final

import msgspec

GEOGRAPHIES: Final = frozenset(
    {"us", "us-gov", "eu", "apac", "jp", "au", "ca", "in", "global"}
)  # fmt: skip
"""Prefixes of the ids of system-defined inference profiles."""
PLACES: Final[Mapping[str, tuple[str, ...]]] = {
    "us-gov-": ("us-gov",),
    "us-": ("us",),
    "ca-": ("ca", "us"),
    "eu-": ("eu",),
    "ap-northeast-1": ("jp", "apac"),
    "ap-northeast-3": ("jp", "apac"),
    "ap-southeast-2": ("au", "apac"),
    "ap-southeast-4": ("au", "apac"),
    "ap-south-": ("in", "apac"),
    "ap-": ("apac",),
}
"""Beginning of a region to the geographies of its profiles; the first that fits counts."""
BEHIND: Final = frozenset({"foundation-model", "inference-profile"})
"""Kinds of ARN whose last part is a model id or the id of a system-defined profile."""
PROVISIONED: Final = frozenset({"provisioned-model", "imported-model"})
"""Kinds of ARN that are paid by the hour, not by the token."""
ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_:.-]{0,255}")
REGION: Final = re.compile(r"[a-z]{2,4}(-[a-z]+){1,3}-[0-9]{1,2}")
ARN: Final = re.compile(
    r"arn:aws[a-z-]*:(?:bedrock|sagemaker):([a-z0-9-]+):[0-9]*:([a-z-]+)/([A-Za-z0-9_:./-]+)"
)
LONGEST: Final = 2048
"""The most characters of an id (ConversationalModelId in the service's model)."""
CONTEXT_LENGTH: Final = re.compile(r"(:[0-9]+):(?:[0-9]+k|mm)")
"""Provisioned variants of an id: `amazon.nova-lite-v1:0:24k`."""


class Resource(msgspec.Struct, frozen=True, kw_only=True):
    """A model id, read. `model` is empty where only AWS knows what is behind it."""

    kind: str
    """"model", "inference-profile", or the kind of resource that an ARN names."""
    model: str = ""
    geography: str = ""
    """Of an inference profile: "eu", "global", …"""
    region: str = ""
    """Of an ARN."""


def read(model_id: str) -> Resource | None:
    """None for what is neither a model id nor an ARN. What else may be wrong with an ARN, AWS
    says."""
    if not model_id.startswith("arn:"):
        return _named(model_id, "") if ID.fullmatch(model_id) else None
    if len(model_id) > LONGEST or not model_id.isprintable() or " " in model_id:
        return None
    arn = ARN.fullmatch(model_id)
    if arn is None:
        return Resource(kind="arn")
    region, kind, name = arn[1] if REGION.fullmatch(arn[1]) else "", arn[2], arn[3]
    if kind in BEHIND and ID.fullmatch(name):
        return _named(name, region)
    return Resource(kind=kind, region=region)


def model_behind(model_id: str) -> str:
    """The model's own id, or nothing where the id does not tell."""
    found = read(model_id)
    return found.model if found is not None else ""


def priced_as(model_id: str) -> tuple[str, ...]:
    """The ids that a price may be published under, the nearest first.

    A global profile has a price of its own; those of geographies cost what the model costs.
    """
    found = read(model_id)
    if found is None or not found.model:
        return ()
    if not found.geography:
        return (found.model,)
    profile = f"{found.geography}.{found.model}"
    return (profile,) if found.geography == "global" else (profile, found.model)


def hourly(model_id: str) -> bool:
    """Whether the id names something that is paid by the hour."""
    found = read(model_id)
    return found is not None and found.kind in PROVISIONED


def place(model_id: str, region: str) -> str:
    """Where a call runs, for the receipt: the region, and after it the profile's geography."""
    found = read(model_id)
    if found is None:
        return region
    source = found.region or region
    return f"{source}/{found.geography}" if found.geography else source


def geographies(region: str) -> tuple[str, ...]:
    """The geographies whose profiles can be called from a region."""
    near = next((names for start, names in PLACES.items() if region.startswith(start)), ())
    return near if region.startswith("us-gov-") else (*near, "global")


def _named(name: str, region: str) -> Resource:
    head, _, rest = name.partition(".")
    model = CONTEXT_LENGTH.sub(r"\1", name)
    if head in GEOGRAPHIES and "." in rest:
        model = CONTEXT_LENGTH.sub(r"\1", rest)
        return Resource(kind="inference-profile", model=model, geography=head, region=region)
    return Resource(kind="model", model=model, region=region)
