"""What a project says about Bedrock: checked, completed from the environment, listed."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

import msgspec

from portico.contract.money import Price
from portico.contract.snapshot import Facts, Model, Network, Provider
from portico.control.projects.schema.providers import Model as WrittenModel
from portico.control.projects.schema.providers import Provider as Written
from portico.control.projects.schema.workloads import Aws
from portico.cost import prices
from portico.methods.yaml12 import Path
from portico.providers.bedrock import facts, profiles
from portico.providers.bedrock.connection import checked_endpoint, checked_region, checked_role

Found = Iterator[tuple[Path, str, str]]
"""Problems: where inside the entry, what is wrong, what to write."""
REGIONS: Final = ("AWS_REGION", "AWS_DEFAULT_REGION")
BEARER: Final = "AWS_BEARER_TOKEN_BEDROCK"
CREDENTIALS: Final = (
    BEARER,
    "AWS_ACCESS_KEY_ID",
    "AWS_PROFILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
"""Variables that say that there are AWS credentials here. A machine's own role has none."""
ENDPOINT: Final = "AWS_ENDPOINT_URL_BEDROCK_RUNTIME"
MOST_TAGS: Final = 50
TAG_KEY: Final = re.compile(r"(?!aws:)[\w\s.:/=+@-]{1,128}", re.IGNORECASE)
TAG_VALUE: Final = re.compile(r"[\w\s.:/=+@-]{0,256}")
"""https://docs.aws.amazon.com/STS/latest/APIReference/API_Tag.html"""
SMALL: Final = (
    *(f"{near}.amazon.nova-lite-v1:0" for near in ("eu", "us", "apac", "us-gov", "ca")),
    "amazon.nova-lite-v1:0",
)
"""For the workload `default`: small, current, and open to every account without a form."""
PROFILED: Final = ("anthropic.", "amazon.nova", "meta.llama3-", "mistral.pixtral")
"""Beginnings of ids that geographies have profiles of."""
NAMED: Final = re.compile(
    rf"(?:(?P<near>{'|'.join(sorted(profiles.GEOGRAPHIES))})\.)?"
    r"(?P<maker>[a-z]+)\.[a-z].*?(?P<version>-v[0-9]+(:[0-9]+)?)?"
)
"""An id with the name of the model's maker: `eu.anthropic.claude-opus-5`, `qwen.qwen3-32b-v1:0`."""
WORLDWIDE: Final = (
    "amazon.nova-2-",
    "anthropic.claude-haiku-4-5",
    "anthropic.claude-opus-4-5",
    "anthropic.claude-opus-4-6",
    "anthropic.claude-sonnet-4-",
)
"""Beginnings of ids that have a global profile."""


def region(environment: Mapping[str, str]) -> str:
    return next((found for name in REGIONS if (found := environment.get(name))), "")


def placed(provider: Provider, environment: Mapping[str, str]) -> Provider:
    """The provider with the environment's region, where it is Bedrock and names none."""
    if provider.kind != "bedrock" or provider.region:
        return provider
    return msgspec.structs.replace(provider, region=region(environment))


def discovered(environment: Mapping[str, str]) -> tuple[Provider | None, str]:
    """A provider from AWS credentials in the environment, and a warning where it is not made."""
    found = next((name for name in CREDENTIALS if environment.get(name)), None)
    if found is None:
        return None, ""
    where = region(environment)
    if not where:
        return None, f"{found} is set, but not AWS_REGION: models of Bedrock are not offered"
    if not profiles.REGION.fullmatch(where):
        return None, "AWS_REGION is no name of a region: models of Bedrock are not offered"
    address = environment.get(ENDPOINT, "")
    provider = Provider(
        name="bedrock",
        kind="bedrock",
        base_url=address,
        api_key=f"${{{BEARER}}}" if found == BEARER else "",
        region=where,
        network=Network(allow_private=bool(address)),
    )
    return provider, ""


def problems(written: Written, provider: Provider) -> Found:
    """What keeps a provider of kind bedrock from being reached."""
    if not provider.region:
        yield (), "the key region is missing", "write region: eu-west-1, or set AWS_REGION"
    for key, check in (
        ("region", checked_region),
        ("assume_role", checked_role),
        ("base_url", checked_endpoint),
    ):
        value = getattr(provider, key)
        try:
            if value:
                check(value)
        except ValueError as error:
            yield (key,) if getattr(written, key) else (), str(error), ""
    if written.api_key:
        for key in ("profile", "assume_role", "session_tags"):
            if getattr(written, key):
                yield (key,), "an API key stands for itself: it takes no profile or role", ""
    yield from tag_problems(written.session_tags, bool(written.assume_role))


def tag_problems(tags: Mapping[str, str], role: bool) -> Found:
    if tags and not role:
        yield ("session_tags",), "tags belong to the session of a role", "write assume_role"
    if len(tags) > MOST_TAGS:
        yield ("session_tags",), f"a session has at most {MOST_TAGS} tags", ""
    for key, value in tags.items():
        if not TAG_KEY.fullmatch(key) or not TAG_VALUE.fullmatch(value):
            message = "is no session tag: letters, digits, spaces and _.:/=+-@ only, 128 and 256"
            yield ("session_tags", key), message, ""


def workload_problems(written: Aws, providers: list[Provider]) -> Found:
    """`providers` are those of the workload's ladder."""
    ours = [provider for provider in providers if provider.kind == "bedrock"]
    if not ours:
        yield (), "no model of the ladder is of a provider of kind bedrock", ""
    if any(provider.api_key for provider in ours):
        yield (), "its provider has an api_key, which stands for itself: it assumes no role", ""
    try:
        checked_role(written.assume_role)
    except ValueError as error:
        yield ("assume_role",), str(error), ""
    role = bool(written.assume_role) or any(provider.assume_role for provider in ours)
    yield from tag_problems(written.session_tags, role or not ours)


def place(id_: str, where: str) -> str:
    return profiles.place(id_, where)


def hourly(id_: str) -> bool:
    return profiles.hourly(id_)


def unreadable(id_: str) -> bool:
    return profiles.read(id_) is None


def known_as(written: WrittenModel) -> tuple[str, ...]:
    """The ids that price and facts of a model go by, the nearest first."""
    return profiles.priced_as(written.stands_for or written.id)


def fact(model_id: str) -> Facts | None:
    return facts.facts(profiles.model_behind(model_id))


def listing(provider: Provider, at: datetime) -> Iterator[Model]:
    """Models that Bedrock serves in the provider's region, or to it through a profile.

    Those that facts.json knows, under the ids of their profiles too, and those that the price
    list names by an id of Bedrock; only what has a price and is not retired.
    """
    near = profiles.geographies(provider.region)
    ids = {name for known in facts.known() for name in _callable(known, near)}
    ids |= {entry.id for entry in prices.catalogue("bedrock", at) if _listed(entry.id, near)}
    for id_ in sorted(ids):
        price = published(profiles.priced_as(id_), at)
        known = fact(id_) or _context(id_)
        retired = known is not None and "" < known.retires <= at.date().isoformat()
        if price is not None and not retired:
            yield Model(
                name=f"{provider.name}/{id_}",
                provider=provider.name,
                id=id_,
                price=price,
                facts=known,
                stands_for=behind(id_),
                region=profiles.place(id_, provider.region),
                listed=False,
            )


def published(ids: tuple[str, ...], at: datetime) -> Price | None:
    """The first published price of the ids. Raises prices.UnusablePrice."""
    found = (prices.resolve("bedrock", id_, "", at) for id_ in ids)
    return next((price for price in found if price is not None), None)


def behind(id_: str, stands_for: str = "") -> str:
    """The model that stands behind an id; nothing where the id is the model's own."""
    model = stands_for or profiles.model_behind(id_)
    return "" if model == id_ else model


def _callable(model: str, near: tuple[str, ...]) -> Iterator[str]:
    """The ids by which a model of facts.json is called."""
    yield model
    for geography in near:
        if model.startswith(WORLDWIDE if geography == "global" else PROFILED):
            yield f"{geography}.{model}"


def _listed(id_: str, near: tuple[str, ...]) -> bool:
    """Whether an id of the price list is one of Bedrock: there it also has ids of its own
    ("regional.…", a version that AWS does not write) and names without their maker."""
    found = NAMED.fullmatch(id_)
    if found is None or (found["maker"] == "anthropic" and found["version"]):
        return False
    if found["near"] is None:
        return found["maker"] not in ("anthropic", "regional")
    return found["near"] in near and found["maker"] == "anthropic"


def _context(id_: str) -> Facts | None:
    context = prices.context("bedrock", id_, "")
    return Facts(context=context, source=prices.source()) if context is not None else None
