"""Which addresses an upstream may have."""

from ipaddress import IPv4Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.security.addresses import (
    AddressKind,
    classify,
    read_host,
    refuse_address,
    refuse_host,
)

KINDS = {
    AddressKind.PUBLIC: ["1.1.1.1", "172.15.0.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111"],
    AddressKind.PRIVATE: [
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "127.0.0.1",
        "127.255.255.255",
        "100.64.0.1",
        "100.127.255.255",
        "::1",
        "fc00::1",
        "fd12:3456::1",
        "240.0.0.1",
    ],
    AddressKind.LINK_LOCAL: [
        "169.254.169.254",
        "169.254.0.1",
        "fe80::1",
        "febf::1",
        "fe80::1%eth0",
    ],
    AddressKind.METADATA: [
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd00:ec2::23",
        "fd20:ce::254",
    ],
    AddressKind.UNSPECIFIED: ["0.0.0.0", "0.1.2.3", "::"],
    AddressKind.MULTICAST: ["224.0.0.1", "239.255.255.255", "255.255.255.255", "ff02::1"],
}


@pytest.mark.parametrize(
    ("text", "kind"), [(text, kind) for kind, texts in KINDS.items() for text in texts]
)
def test_an_address_has_its_kind(text: str, kind: AddressKind) -> None:
    assert classify(ip_address(text)) is kind


CARRIERS = [
    "::ffff:{0}",
    "::ffff:0:{0}",
    "::{0}",
    "64:ff9b::{0}",
    "64:ff9b:1::{0}",
]


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize(
    ("inner", "kind"),
    [
        ("169.254.169.254", AddressKind.LINK_LOCAL),
        ("100.100.100.200", AddressKind.METADATA),
        ("10.1.2.3", AddressKind.PRIVATE),
        ("224.0.0.1", AddressKind.MULTICAST),
        ("8.8.8.8", AddressKind.PUBLIC),
    ],
)
def test_an_address_within_an_address_is_judged(
    carrier: str, inner: str, kind: AddressKind
) -> None:
    assert classify(ip_address(carrier.format(inner))) is kind


def test_a_6to4_and_a_teredo_address_are_judged_by_the_address_within() -> None:
    assert classify(ip_address("2002:a9fe:a9fe::1")) is AddressKind.LINK_LOCAL
    assert classify(ip_address("2002:808:808::1")) is AddressKind.PUBLIC
    hidden = int(IPv4Address("169.254.169.254")) ^ 0xFFFF_FFFF
    teredo = (0x2001_0000 << 96) | hidden
    assert classify(ip_address(teredo)) is AddressKind.LINK_LOCAL


@pytest.mark.parametrize(
    "host",
    [
        "2852039166",
        "0xA9FEA9FE",
        "0xa9.0xfe.0xa9.0xfe",
        "0251.0376.0251.0376",
        "0251.254.43518",
        "169.254.43518",
        "169.16689662",
        "169.254.169.254.",
        "00000251.254.169.254",
    ],
)
def test_every_spelling_of_an_address_is_read_and_refused(host: str) -> None:
    assert read_host(host) == IPv4Address("169.254.169.254")
    refusal = refuse_host(host, allow_private=True)
    assert refusal is not None
    assert refusal.kind == "numeric_host"
    assert "169.254.169.254" in refusal.reason


@pytest.mark.parametrize("host", ["256.1.1.1", "1.2.3.4.5", "1.2.3.256", "4294967296", "a.1", "09"])
def test_a_host_that_ends_in_a_number_and_is_no_address_is_refused(host: str) -> None:
    refusal = refuse_host(host, allow_private=True)
    assert refusal is not None
    assert refusal.kind == "numeric_host"


@pytest.mark.parametrize(
    "host", ["api.openai.com", "localhost", "1e100.net", "0x.test", "x1", "face", "model.local."]
)
def test_a_name_is_left_to_the_resolver(host: str) -> None:
    assert read_host(host) is None
    assert refuse_host(host, allow_private=False) is None


@pytest.mark.parametrize("host", ["10.0.0.1", "127.0.0.1", "::1", "fd12::1", "::ffff:10.0.0.1"])
def test_a_private_literal_passes_only_where_the_project_names_it(host: str) -> None:
    assert refuse_host(host, allow_private=True) is None
    refusal = refuse_host(host, allow_private=False)
    assert refusal is not None
    assert refusal.kind == "private"


@pytest.mark.parametrize("allow_private", [True, False])
@pytest.mark.parametrize(
    "host", ["169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "0.0.0.0", "::", "ff02::1"]
)
def test_a_refused_literal_is_refused_whoever_names_it(host: str, allow_private: bool) -> None:
    assert refuse_host(host, allow_private=allow_private) is not None


def test_a_private_address_alone_is_no_refusal() -> None:
    assert refuse_address(ip_address("10.0.0.1")) is None
    assert refuse_address(ip_address("8.8.8.8")) is None


@given(st.ip_addresses(v=4))
def test_every_whole_number_spelling_means_its_address(address: IPv4Address) -> None:
    value = int(address)
    for spelling in (str(value), hex(value), f"0{value:o}", str(address)):
        assert read_host(spelling) == address


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_has_the_same_kind_when_mapped(address: IPv4Address) -> None:
    assert classify(ip_address(f"::ffff:{address}")) is classify(address)


@given(st.text(max_size=40))
def test_any_text_is_judged_without_a_fault(host: str) -> None:
    refusal = refuse_host(host, allow_private=True)
    assert refusal is None or refusal.reason
