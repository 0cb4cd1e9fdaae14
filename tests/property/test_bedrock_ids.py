"""Whatever an id is made of, it stays one segment of the path and is signed as AWS reads it."""

from urllib.parse import unquote, urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from portico.contract.errors import InvalidRequest
from portico.contract.ports import AwsSecret
from portico.contract.snapshot import Provider
from portico.providers.bedrock import profiles
from portico.providers.bedrock.connection import connect

CONNECTION = connect(Provider(name="b", kind="bedrock", region="eu-west-1"), "")
SECRET = AwsSecret(access_key="AKIA", secret_key="secret", token="token")
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
ARNS = NAMES.map(lambda name: f"arn:aws:bedrock:{name}")


@given(NAMES | ARNS)
def test_an_id_is_refused_or_is_one_segment_of_a_path_on_the_regions_host(model_id: str) -> None:
    try:
        request = CONNECTION.request("chat", model_id, b"", False, {})
    except InvalidRequest:
        assert profiles.read(model_id) is None
        return
    parts = urlsplit(request.url)
    empty, model, segment, end = parts.path.split("/")
    assert (empty, model, end) == ("", "model", "converse")
    assert segment not in (".", "..")
    assert unquote(segment) == model_id
    assert (parts.query, parts.fragment) == ("", "")
    assert parts.hostname == "bedrock-runtime.eu-west-1.amazonaws.com"


@given(ARNS.filter(lambda arn: profiles.read(arn) is not None), st.binary(max_size=200))
def test_any_arn_and_body_are_signed_as_botocore_signs_them(arn: str, body: bytes) -> None:
    request = CONNECTION.sign(CONNECTION.request("chat", arn, body, True, {}), SECRET, 10**18)
    headers = dict(request.headers)
    names = ("content-type", "x-amz-date", "x-amz-security-token")
    theirs = AWSRequest("POST", request.url, {name: headers[name] for name in names}, body)
    theirs.context["timestamp"] = headers["x-amz-date"]
    signer = SigV4Auth(Credentials("AKIA", "secret", "token"), "bedrock", "eu-west-1")
    text = signer.string_to_sign(theirs, signer.canonical_request(theirs))
    assert headers["authorization"].endswith(f"Signature={signer.signature(text, theirs)}")


@pytest.mark.parametrize("text", ["", ".", "..", "%2e%2e", "a/b", "arn:", "arn:a\u2028b"])
def test_reading_an_id_never_raises(text: str) -> None:
    found = profiles.read(text)
    assert found is None or found.kind
