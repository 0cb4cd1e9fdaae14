"""How Bedrock is reached: URLs, keys, identities, tiers."""

import msgspec
import pytest

from portico.contract.call import Operation
from portico.contract.errors import InvalidRequest
from portico.contract.ports import AwsIdentity, Connection
from portico.contract.snapshot import Network, Provider
from portico.providers.bedrock.connection import connect, endpoint

BARE = Provider(name="b", kind="bedrock", region="eu-west-1")
NOVA = "amazon.nova-lite-v1:0"


def connected(api_key: str = "", **changes: object) -> Connection:
    return connect(msgspec.structs.replace(BARE, **changes), api_key)


@pytest.mark.parametrize(
    ("operation", "stream", "end", "accept"),
    [
        ("chat", False, "converse", "application/json"),
        ("chat", True, "converse-stream", "application/vnd.amazon.eventstream"),
        ("embeddings", False, "invoke", "application/json"),
    ],
)
def test_each_operation_has_its_path_and_its_answer(
    operation: Operation, stream: bool, end: str, accept: str
) -> None:
    request = connected().request(operation, NOVA, b"{}", stream, {"anthropic-beta": "x"})
    host = "https://bedrock-runtime.eu-west-1.amazonaws.com"
    assert request.url == f"{host}/model/amazon.nova-lite-v1%3A0/{end}"
    headers = dict(request.headers)
    assert headers["accept"] == accept
    assert headers["content-type"] == "application/json"
    assert headers.keys().isdisjoint({"authorization", "anthropic-beta"})
    assert (request.method, request.body) == ("POST", b"{}")


def test_an_arn_goes_to_its_own_region_in_one_segment_of_the_path() -> None:
    arn = "arn:aws:bedrock:us-west-2:123456789012:inference-profile/us.amazon.nova-lite-v1:0"
    request = connected().request("chat", arn, b"{}", False, {})
    assert request.url == (
        "https://bedrock-runtime.us-west-2.amazonaws.com/model/arn%3Aaws%3Abedrock%3Aus-west-2"
        "%3A123456789012%3Ainference-profile%2Fus.amazon.nova-lite-v1%3A0/converse"
    )


def test_an_endpoint_of_the_project_serves_every_model() -> None:
    private = connected(base_url="https://vpce-1.bedrock-runtime.eu-west-1.vpce.amazonaws.com/x/")
    arn = "arn:aws:bedrock:us-west-2:123456789012:provisioned-model/abcdefabcdef"
    assert private.request("chat", arn, b"", False, {}).url.startswith(
        "https://vpce-1.bedrock-runtime.eu-west-1.vpce.amazonaws.com/x/model/arn%3Aaws"
    )


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("ap-southeast-2", "bedrock.ap-southeast-2.amazonaws.com"),
        ("us-gov-west-1", "bedrock.us-gov-west-1.amazonaws.com"),
        ("cn-north-1", "bedrock.cn-north-1.amazonaws.com.cn"),
        ("eusc-de-east-1", "bedrock.eusc-de-east-1.amazonaws.eu"),
        ("us-isob-east-1", "bedrock.us-isob-east-1.sc2s.sgov.gov"),
    ],
)
def test_every_partition_has_its_domain(region: str, host: str) -> None:
    assert endpoint("bedrock", region) == f"https://{host}"
    assert connected(region=region).probe().url == f"https://{host}/foundation-models"


def test_the_domains_are_those_that_botocore_knows() -> None:
    # imported here: only this test compares with botocore's data
    from botocore.loaders import Loader

    partitions = Loader().load_data("partitions")["partitions"]
    assert len(partitions) >= 8
    for partition in partitions:
        for region in partition["regions"]:
            if not region.endswith("-global"):
                domain = partition["outputs"]["dnsSuffix"]
                assert endpoint("bedrock", region) == f"https://bedrock.{region}.{domain}"
                assert connect(msgspec.structs.replace(BARE, region=region), "").identity


def test_an_api_key_is_a_bearer_token_and_asks_for_no_signature() -> None:
    connection = connected("ABSK-key")
    assert connection.identity is None
    headers = dict(connection.request("chat", NOVA, b"", False, {}).headers)
    assert headers["authorization"] == "Bearer ABSK-key"
    assert dict(connection.probe().headers)["authorization"] == "Bearer ABSK-key"


def test_a_header_of_the_project_may_stand_for_the_key() -> None:
    assert connected(headers=(("Authorization", "Bearer x"),)).identity is None


def test_an_identity_is_what_the_project_says() -> None:
    role = "arn:aws:iam::123456789012:role/portico"
    connection = connected(profile="work", assume_role=role, session_tags=(("team", "care"),))
    assert connection.identity == AwsIdentity(
        region="eu-west-1", profile="work", role_arn=role, session_tags=(("team", "care"),)
    )
    assert connected().identity == AwsIdentity(region="eu-west-1")


def test_a_service_tier_goes_into_the_body_of_a_chat_and_the_header_of_an_embedding() -> None:
    connection = connected(service_tier="flex")
    body = b'{"messages":[],"serviceTier":{"type":"priority"},"x":1.50}'
    chat = connection.request("chat", NOVA, body, True, {})
    assert chat.body == b'{"messages":[],"serviceTier":{"type":"flex"},"x":1.50}'
    embedding = connection.request("embeddings", NOVA, b"{}", False, {})
    assert embedding.body == b"{}"
    assert dict(embedding.headers)["x-amzn-bedrock-service-tier"] == "flex"


def test_wires_and_network_are_the_providers() -> None:
    network = Network(allow_private=True)
    connection = connected(network=network)
    assert connection.wire("chat") == "bedrock_converse"
    assert connection.wire("embeddings") == "bedrock_embeddings"
    assert connection.request("chat", NOVA, b"", False, {}).network == network
    assert connection.probe().network == network


@pytest.mark.parametrize("model_id", ["", "..", ".", "a b", "a/../b", "x\n", "arn:a b", "ä"])
def test_what_is_no_model_id_is_refused(model_id: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        connected().request("chat", model_id, b"", False, {})
    assert caught.value.field == "model"


@pytest.mark.parametrize(
    "changes",
    [
        {"region": ""},
        {"region": "eu-west-1.evil.example/"},
        {"region": "eu west 1"},
        {"assume_role": "portico"},
        {"assume_role": "arn:aws:iam::1:user/x"},
        {"base_url": "https://x.example/a/../b"},
        {"base_url": "https://x.example//a"},
        {"base_url": "https://münchen.example"},
        {"base_url": "ftp://x.example"},
    ],
)
def test_what_cannot_be_reached_or_signed_safely_is_refused(changes: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"region|assume_role|base_url"):
        connected(**changes)


def test_a_key_with_a_line_break_is_refused_and_not_quoted() -> None:
    with pytest.raises(ValueError, match="api_key") as caught:
        connected("secret\r\nx: y")
    assert "secret" not in str(caught.value)
