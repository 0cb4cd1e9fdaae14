"""Which addresses an upstream may have. Pure: text and numbers in, a refusal or nothing out.

Refused always: link-local, cloud metadata, unspecified, multicast and broadcast addresses.
Private ones depend on who named them (see docs/network.md). An IPv6 address that carries an
IPv4 address (mapped, NAT64, 6to4, Teredo, …) is judged by both of its halves.
"""

from collections.abc import Callable
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import msgspec

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class AddressKind(StrEnum):
    PUBLIC = "public"
    PRIVATE = "private"
    LINK_LOCAL = "link_local"
    METADATA = "metadata"
    UNSPECIFIED = "unspecified"
    MULTICAST = "multicast"


class Refusal(msgspec.Struct, frozen=True):
    """Why an address may not be connected to. `kind` is an AddressKind or "numeric_host"."""

    kind: str
    reason: str


_REASONS = {
    AddressKind.LINK_LOCAL: "a link-local address, where cloud credentials are served",
    AddressKind.METADATA: "a cloud metadata address, where credentials are served",
    AddressKind.UNSPECIFIED: "an unspecified address",
    AddressKind.MULTICAST: "a multicast or broadcast address",
}
"""Kinds that are always refused."""

_RULES: tuple[tuple[str, AddressKind, str], ...] = (
    # Metadata and other host-agent addresses that lie outside link-local (collected November 2026).
    ("100.100.100.200/32", AddressKind.METADATA, "Alibaba Cloud ECS metadata"),
    ("168.63.129.16/32", AddressKind.METADATA, "Azure WireServer"),
    ("192.0.0.192/32", AddressKind.METADATA, "Oracle Cloud Classic metadata"),
    ("fd00:ec2::/32", AddressKind.METADATA, "AWS: IMDS ::254, EKS Pod Identity ::23, DNS, time"),
    ("fd20:ce::254/128", AddressKind.METADATA, "Google Compute Engine metadata"),
    ("fd00:c1::a9fe:a9fe/128", AddressKind.METADATA, "Oracle Cloud metadata"),
    ("fd00:42::42/128", AddressKind.METADATA, "Scaleway metadata"),
    ("fd00:a9fe:a9fe::1/128", AddressKind.METADATA, "Linode metadata"),
    ("fd00:100::100:200/128", AddressKind.METADATA, "Alibaba Cloud ECS metadata"),
    # IANA special-purpose registries, https://www.iana.org/assignments/iana-ipv4-special-registry
    # and https://www.iana.org/assignments/iana-ipv6-special-registry
    ("0.0.0.0/8", AddressKind.UNSPECIFIED, "RFC 791"),
    ("169.254.0.0/16", AddressKind.LINK_LOCAL, "RFC 3927"),
    ("224.0.0.0/4", AddressKind.MULTICAST, "RFC 5771"),
    ("255.255.255.255/32", AddressKind.MULTICAST, "RFC 8190"),
    ("10.0.0.0/8", AddressKind.PRIVATE, "RFC 1918"),
    ("172.16.0.0/12", AddressKind.PRIVATE, "RFC 1918"),
    ("192.168.0.0/16", AddressKind.PRIVATE, "RFC 1918"),
    ("127.0.0.0/8", AddressKind.PRIVATE, "loopback, RFC 1122"),
    ("100.64.0.0/10", AddressKind.PRIVATE, "shared address space, RFC 6598"),
    ("192.0.0.0/24", AddressKind.PRIVATE, "IETF protocol assignments, RFC 6890"),
    ("192.0.2.0/24", AddressKind.PRIVATE, "documentation, RFC 5737"),
    ("198.18.0.0/15", AddressKind.PRIVATE, "benchmarking, RFC 2544"),
    ("198.51.100.0/24", AddressKind.PRIVATE, "documentation, RFC 5737"),
    ("203.0.113.0/24", AddressKind.PRIVATE, "documentation, RFC 5737"),
    ("240.0.0.0/4", AddressKind.PRIVATE, "reserved, RFC 1112"),
    ("::/128", AddressKind.UNSPECIFIED, "RFC 4291"),
    ("::1/128", AddressKind.PRIVATE, "loopback, RFC 4291"),
    ("fe80::/10", AddressKind.LINK_LOCAL, "RFC 4291"),
    ("ff00::/8", AddressKind.MULTICAST, "RFC 4291"),
    ("fc00::/7", AddressKind.PRIVATE, "unique local, RFC 4193"),
    ("fec0::/10", AddressKind.PRIVATE, "site-local, RFC 3879"),
    ("100::/64", AddressKind.PRIVATE, "discard, RFC 6666"),
    ("2001:db8::/32", AddressKind.PRIVATE, "documentation, RFC 3849"),
    ("3fff::/20", AddressKind.PRIVATE, "documentation, RFC 9637"),
)

_TABLE: tuple[tuple[Network, AddressKind], ...] = tuple(
    (ip_network(network), kind) for network, kind, _ in _RULES
)


def _last(value: int) -> int:
    return value & 0xFFFF_FFFF


_EMBEDDINGS: tuple[tuple[IPv6Network, Callable[[int], int]], ...] = (
    (IPv6Network("::ffff:0:0/96"), _last),  # IPv4-mapped, RFC 4291
    (IPv6Network("::ffff:0:0:0/96"), _last),  # IPv4-translated, RFC 2765
    (IPv6Network("::/96"), _last),  # IPv4-compatible, RFC 4291
    (IPv6Network("64:ff9b::/96"), _last),  # NAT64, RFC 6052
    (IPv6Network("64:ff9b:1::/48"), _last),  # NAT64 of local use, RFC 8215
    (IPv6Network("2002::/16"), lambda value: _last(value >> 80)),  # 6to4, RFC 3056
    (IPv6Network("2001::/32"), lambda value: _last(~value)),  # Teredo client, RFC 4380
)


def classify(address: Address) -> AddressKind:
    """The kind of an address; of an address within an address, the more restricted kind."""
    own = next((kind for network, kind in _TABLE if address in network), AddressKind.PUBLIC)
    if isinstance(address, IPv4Address) or own in _REASONS or address == IPv6Address(1):
        return own
    inner = [classify(embedded) for embedded in _embedded(address)]
    return next((kind for kind in inner if kind is not AddressKind.PUBLIC), own)


def _embedded(address: IPv6Address) -> list[IPv4Address]:
    value = int(address)
    return [IPv4Address(find(value)) for network, find in _EMBEDDINGS if address in network]


def refuse_address(address: Address) -> Refusal | None:
    """None where the address may be connected to, private ones included."""
    kind = classify(address)
    if (reason := _REASONS.get(kind)) is None:
        return None
    return Refusal(kind.value, f"{address} is {reason}")


def refuse_host(host: str, *, allow_private: bool) -> Refusal | None:
    """Judges the host of a URL before any lookup. A name passes: its addresses are judged later.

    `host` is without brackets and port. A literal private address passes only where
    `allow_private` says that the project itself names it.
    """
    try:
        address = read_host(host)
    except ValueError:
        return Refusal("numeric_host", f"{host} ends in a number but is no address")
    if address is None:
        return None
    if isinstance(address, IPv4Address) and str(address) != host:
        return Refusal("numeric_host", f"{host} is another spelling of {address}")
    if (refusal := refuse_address(address)) is not None:
        return refusal
    if not allow_private and classify(address) is AddressKind.PRIVATE:
        return Refusal("private", f"{address} is a private address that the project does not name")
    return None


def read_host(host: str) -> Address | None:
    """The address that a host spells in any way an operating system takes; None for a name.

    Besides 1.2.3.4 and IPv6 these are the forms of inet_aton: fewer parts, octal and
    hexadecimal numbers. Raises ValueError for a host whose last label is a number and that is
    no address (https://url.spec.whatwg.org/#ends-in-a-number-checker).
    """
    if ":" in host:
        return ip_address(host)
    labels = host.removesuffix(".").split(".")
    if not _is_number(labels[-1]):
        return None
    numbers = [_number(label) for label in labels]
    if len(numbers) > 4 or any(number > 255 for number in numbers[:-1]):
        raise ValueError(host)
    tail_bytes = 5 - len(numbers)
    if numbers[-1] >= 256**tail_bytes:
        raise ValueError(host)
    value = numbers[-1]
    for place, number in enumerate(numbers[:-1]):
        value += number << (8 * (3 - place))
    return IPv4Address(value)


def _is_number(label: str) -> bool:
    if not label.isascii():
        return False
    if label.isdigit():
        return True
    return label[:2].lower() == "0x" and all(c in "0123456789abcdefABCDEF" for c in label[2:])


def _number(label: str) -> int:
    """A part of an IPv4 address as inet_aton reads it. Raises ValueError."""
    if not _is_number(label):
        raise ValueError(label)
    if label[:2].lower() == "0x":
        return int(label[2:] or "0", 16)
    return int(label, 8 if len(label) > 1 and label.startswith("0") else 10)
