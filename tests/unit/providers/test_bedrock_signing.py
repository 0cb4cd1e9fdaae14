"""Signatures of Bedrock requests: the same, byte for byte, as botocore makes."""

import datetime

import botocore.auth
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from portico.contract.ports import AwsSecret, UpstreamRequest
from portico.contract.snapshot import Provider
from portico.providers.bedrock.connection import connect
from portico.providers.bedrock.signing import Signer

NOON = datetime.datetime(2026, 11, 23, 12, 30, 5, tzinfo=datetime.UTC)
NOON_NS = int(NOON.timestamp()) * 1_000_000_000 + 987_654_321
IDS = (
    "amazon.nova-lite-v1:0",
    "anthropic.claude-3-haiku-20240307-v1:0",
    "amazon.nova-lite-v1:0:24k",
    "eu.anthropic.claude-sonnet-4-6",
    "arn:aws:bedrock:us-west-2:123456789012:inference-profile/us.anthropic.claude-sonnet-4-6",
    "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/abc123def456",
    "arn:aws-cn:bedrock:cn-north-1:123456789012:provisioned-model/abcdefabcdef",
    "arn:aws:bedrock:…:provisioned-model/Ünal",
)
SECRETS = (
    AwsSecret(access_key="AKIDEXAMPLE", secret_key="wJalrXUtnFEMI/K7MDENG+bPxRfiCY"),
    AwsSecret(access_key="ASIA", secret_key="s", token="IQoJb3JpZ2luX2VjE/+=="),
)
BODIES = (b"", b'{"messages": []}', "Grüße ünal 🦊".encode(), bytes(range(256)))


def authorization(request: UpstreamRequest) -> str:
    return dict(request.headers)["authorization"]


def by_botocore(request: UpstreamRequest, secret: AwsSecret, region: str) -> str:
    """botocore's header, over the headers that ours names as signed."""
    signed = authorization(request).split("SignedHeaders=")[1].split(",")[0].split(";")
    theirs = AWSRequest(
        method=request.method,
        url=request.url,
        data=request.body,
        headers={
            name: value
            for name, value in request.headers
            if name in signed and not name.startswith(("x-amz-date", "x-amz-security"))
        },
    )
    credentials = Credentials(secret.access_key, secret.secret_key, secret.token or None)
    SigV4Auth(credentials, "bedrock", region).add_auth(theirs)
    return str(theirs.headers["Authorization"])


@pytest.fixture(autouse=True)
def botocore_at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: NOON.replace(tzinfo=None))


@pytest.mark.parametrize("model_id", IDS)
@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("base_url", ["", "http://127.0.0.1:8099", "https://Proxy.example/aws-1~x"])
def test_a_signature_is_the_one_that_botocore_makes(
    model_id: str, secret: AwsSecret, base_url: str
) -> None:
    headers = (("x-amzn-bedrock-trace", "ENABLED  twice"),)
    provider = Provider(
        name="b", kind="bedrock", region="eu-west-1", base_url=base_url, headers=headers
    )
    connection = connect(provider, "")
    for body in BODIES:
        for stream in (False, True):
            plain = connection.request("chat", model_id, body, stream, {})
            signed = connection.sign(plain, secret, NOON_NS)
            region = "eu-west-1" if base_url else plain.url.split(".")[1]
            assert authorization(signed) == by_botocore(signed, secret, region)
            assert (signed.url, signed.body) == (plain.url, plain.body)


def test_a_signature_is_the_one_of_the_published_suite() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html, `get-vanilla`."""
    secret = AwsSecret(
        access_key="AKIDEXAMPLE", secret_key="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
    )
    at = datetime.datetime(2015, 8, 30, 12, 36, tzinfo=datetime.UTC)
    request = UpstreamRequest(
        method="GET", url="https://example.amazonaws.com/", headers=(), body=b""
    )
    signed = Signer("service").sign(request, "us-east-1", secret, int(at.timestamp()) * 10**9)
    assert authorization(signed) == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        "SignedHeaders=host;x-amz-date, "
        "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
    )


def test_a_signer_serves_several_secrets_regions_and_days() -> None:
    request = UpstreamRequest(method="GET", url="https://x.example/a", headers=(), body=b"")
    one = Signer()
    day_ns = 86_400 * 10**9
    for secret in (*SECRETS, *SECRETS):
        for region in ("eu-west-1", "us-east-1", "eu-west-1"):
            for now_ns in (NOON_NS, NOON_NS + day_ns, NOON_NS):
                fresh = Signer().sign(request, region, secret, now_ns)
                assert one.sign(request, region, secret, now_ns) == fresh


def test_a_request_signed_twice_carries_only_the_second_signature() -> None:
    request = UpstreamRequest(method="GET", url="https://x.example/a", headers=(), body=b"")
    first = Signer().sign(request, "eu-west-1", SECRETS[1], NOON_NS)
    again = Signer().sign(first, "eu-west-1", SECRETS[1], NOON_NS + 10**9)
    assert again == Signer().sign(request, "eu-west-1", SECRETS[1], NOON_NS + 10**9)


def test_a_secret_key_never_leaves() -> None:
    request = UpstreamRequest(method="GET", url="https://x.example/a", headers=(), body=b"")
    signed = Signer().sign(request, "eu-west-1", SECRETS[0], NOON_NS)
    assert SECRETS[0].secret_key not in repr(signed)
