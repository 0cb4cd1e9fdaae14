"""The port AwsCredentials: over the fake, and over AWS's own chain against servers on loopback."""

import asyncio
import datetime
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from portico.adapters.aws.credentials import EARLY_S, FAILURE_S, AwsChain
from portico.adapters.clock import SystemClock
from portico.adapters.memory.clock import FakeClock
from portico.adapters.memory.credentials import MemoryCredentials
from portico.contract.errors import UpstreamFailed
from portico.contract.ports import AwsCredentials, AwsIdentity, AwsSecret

BARE = AwsIdentity(region="eu-west-1")
ROLE = AwsIdentity(
    region="eu-west-1",
    role_arn="arn:aws:iam::123456789012:role/portico",
    session_tags=(("team", "care"), ("workload", "support")),
)
STS_ANSWER = """<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<AssumeRoleResult><Credentials><AccessKeyId>ASIA{number}</AccessKeyId>
<SecretAccessKey>role-secret</SecretAccessKey><SessionToken>role-token</SessionToken>
<Expiration>{expires}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"""
STS_REFUSAL = """<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error>
<Type>Sender</Type><Code>AccessDenied</Code><Message>User: secret-arn may not</Message></Error>
</ErrorResponse>"""


class Aws(ThreadingHTTPServer):
    """STS, a container's and an instance's credential service in one, on loopback."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.asked: list[tuple[str, dict[str, list[str]], str]] = []
        self.refuse = False
        self.lasts_s = 3600.0
        self.now: Callable[[], float] = lambda: SystemClock().now_ns() / 1e9
        self.gate = threading.Event()
        self.gate.set()
        self.arrived = threading.Event()

    @property
    def roles(self) -> int:
        return sum("AssumeRole" in form.get("Action", ()) for _, form, _ in self.asked)

    def expires(self) -> str:
        at = datetime.datetime.fromtimestamp(self.now() + self.lasts_s, datetime.UTC)
        return at.strftime("%Y-%m-%dT%H:%M:%SZ")


class Handler(BaseHTTPRequestHandler):
    server: Aws

    def do_PUT(self) -> None:
        self._answer(200, "imds-token")

    def do_GET(self) -> None:
        self.server.asked.append((self.path, {}, ""))
        if self.path.endswith("/iam/security-credentials/"):
            self._answer(200, "a-role")
            return
        known = {
            "AccessKeyId": "ASIAIMDS",
            "SecretAccessKey": "imds-secret",
            "Token": "imds-session",
            "Expiration": self.server.expires(),
            "Code": "Success",
        }
        self._answer(200, json.dumps(known))

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
        self.server.asked.append((self.path, form, self.headers.get("authorization", "")))
        self.server.arrived.set()
        assert self.server.gate.wait(20)
        if self.server.refuse:
            self._answer(403, STS_REFUSAL)
            return
        number, expires = self.server.roles, self.server.expires()
        self._answer(200, STS_ANSWER.format(number=number, expires=expires))

    def _answer(self, status: int, body: str) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Says nothing."""


@pytest.fixture
def aws() -> Iterator[Aws]:
    server = Aws()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.gate.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def nobodys_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials of the machine that runs the tests, and no way out of it."""
    for name in ("PROFILE", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "REGION"):
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    for name in ("FULL_URI", "RELATIVE_URI"):
        monkeypatch.delenv(f"AWS_CONTAINER_CREDENTIALS_{name}", raising=False)
    monkeypatch.delenv("AWS_WEB_IDENTITY_TOKEN_FILE", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "env-secret")


def ask(chain: AwsChain, *identities: AwsIdentity) -> list[AwsSecret]:
    """All of them at once, then the chain is closed."""

    async def main() -> list[AwsSecret]:
        try:
            return list(await asyncio.gather(*map(chain.secret, identities)))
        finally:
            await chain.close()

    return asyncio.run(main())


# --- the suite of the port -------------------------------------------------------------------


def memory(present: bool) -> AwsCredentials:
    secret = AwsSecret(access_key="AKIAENV", secret_key="env-secret")
    return MemoryCredentials(secret if present else None)


def chain(present: bool) -> AwsCredentials:
    return AwsChain(SystemClock())


@pytest.mark.parametrize("make", [memory, chain])
@pytest.mark.usefixtures("keys")
def test_credentials_are_given_again_and_again(make: Callable[[bool], AwsCredentials]) -> None:
    async def main() -> None:
        port = make(True)
        for _ in range(3):
            secret = await port.secret(BARE)
            assert (secret.access_key, secret.secret_key) == ("AKIAENV", "env-secret")

    asyncio.run(main())


@pytest.mark.parametrize("make", [memory, chain])
def test_without_credentials_the_upstream_has_failed_at_their_stage(
    make: Callable[[bool], AwsCredentials],
) -> None:
    async def main() -> None:
        with pytest.raises(UpstreamFailed) as caught:
            await make(False).secret(BARE)
        assert caught.value.detail["stage"] == "credentials"
        assert caught.value.detail["kind"] == "none"

    asyncio.run(main())


def test_who_has_no_bedrock_does_not_pay_for_botocore() -> None:
    script = (
        "import sys; import portico.main.process;"
        "print([name for name in sys.modules if name.startswith('botocore')])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert done.stdout.decode().strip() == "[]"


# --- the chain's links -------------------------------------------------------------------------


@pytest.mark.usefixtures("keys")
def test_a_profile_goes_before_the_keys_of_the_environment(tmp_path: Path) -> None:
    (tmp_path / "credentials").write_text(
        "[work]\naws_access_key_id = AKIAWORK\naws_secret_access_key = work-secret\n"
    )
    profile = AwsIdentity(region="eu-west-1", profile="work")
    work, bare = ask(AwsChain(SystemClock()), profile, BARE)
    assert (work.access_key, bare.access_key) == ("AKIAWORK", "AKIAENV")


def test_a_profile_that_is_not_there_is_named_as_the_trouble() -> None:
    with pytest.raises(UpstreamFailed) as caught:
        ask(AwsChain(SystemClock()), AwsIdentity(region="eu-west-1", profile="zork"))
    assert caught.value.detail["kind"] == "profile"
    assert "portico.yaml" in caught.value.message


def test_an_instance_gives_its_role(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "false")
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", aws.url)
    (secret,) = ask(AwsChain(SystemClock()), BARE)
    assert secret == AwsSecret(
        access_key="ASIAIMDS", secret_key="imds-secret", token="imds-session"
    )


def test_a_container_gives_its_role(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{aws.url}/container")
    (secret,) = ask(AwsChain(SystemClock()), BARE)
    assert secret.token == "imds-session"
    assert [path for path, _, _ in aws.asked] == ["/container"]


# --- roles ---------------------------------------------------------------------------------------


@pytest.mark.usefixtures("keys")
def test_a_role_is_assumed_with_its_session_name_and_tags(aws: Aws) -> None:
    (secret,) = ask(AwsChain(SystemClock(), sts_url=aws.url), ROLE)
    assert secret == AwsSecret(access_key="ASIA1", secret_key="role-secret", token="role-token")
    ((_, form, authorization),) = aws.asked
    assert form["RoleArn"] == [ROLE.role_arn]
    assert form["RoleSessionName"] == ["portico"]
    assert form["Tags.member.1.Key"] + form["Tags.member.1.Value"] == ["team", "care"]
    assert form["Tags.member.2.Key"] + form["Tags.member.2.Value"] == ["workload", "support"]
    assert authorization.startswith("AWS4-HMAC-SHA256 Credential=AKIAENV/")


@pytest.mark.usefixtures("keys")
def test_the_address_of_sts_may_come_from_the_environment(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", aws.url)
    role = AwsIdentity(region="eu-west-1", role_arn=ROLE.role_arn)
    (secret,) = ask(AwsChain(SystemClock()), role)
    assert secret.access_key == "ASIA1"
    assert not any(name.startswith("Tags") for name in aws.asked[0][1])


@pytest.mark.usefixtures("keys")
def test_many_calls_share_one_search_and_each_identity_has_its_own(aws: Aws) -> None:
    other = AwsIdentity(region="eu-west-1", role_arn="arn:aws:iam::1:role/other")
    secrets = ask(AwsChain(SystemClock(), sts_url=aws.url), *([ROLE, other] * 50))
    assert aws.roles == 2
    assert len(set(map(repr, secrets))) == 2


@pytest.mark.usefixtures("keys")
def test_a_refusal_is_tried_once_told_without_its_text_and_asked_again_later(aws: Aws) -> None:
    aws.refuse = True
    clock = FakeClock()
    aws.now = lambda: clock.now_ns() / 1e9

    async def main() -> None:
        port = AwsChain(clock, sts_url=aws.url)
        for _ in range(3):
            with pytest.raises(UpstreamFailed) as caught:
                await port.secret(ROLE)
            assert caught.value.detail == {
                "stage": "credentials",
                "kind": "refused",
                "type": "AccessDenied",
            }
            assert "secret" not in caught.value.message
        assert aws.roles == 1
        aws.refuse = False
        clock.advance(FAILURE_S)
        assert (await port.secret(ROLE)).token == "role-token"
        await port.close()

    asyncio.run(main())


@pytest.mark.usefixtures("keys")
def test_credentials_are_renewed_early_and_nobody_waits_while_they_are_good(aws: Aws) -> None:
    clock = FakeClock()
    aws.now = lambda: clock.now_ns() / 1e9

    async def main() -> None:
        port = AwsChain(clock, sts_url=aws.url)
        assert (await port.secret(ROLE)).access_key == "ASIA1"
        clock.advance(aws.lasts_s - EARLY_S - 1)
        assert (await port.secret(ROLE)).access_key == "ASIA1"
        assert aws.roles == 1
        clock.advance(2)
        aws.gate.clear()
        assert (await port.secret(ROLE)).access_key == "ASIA1"
        aws.gate.set()
        clock.advance(EARLY_S)
        assert (await port.secret(ROLE)).access_key != "ASIA1"
        await port.close()

    asyncio.run(main())


@pytest.mark.usefixtures("keys")
def test_a_renewal_that_fails_leaves_the_credentials_in_use_until_they_expire(aws: Aws) -> None:
    clock = FakeClock()
    aws.now = lambda: clock.now_ns() / 1e9

    async def main() -> None:
        port = AwsChain(clock, sts_url=aws.url)
        await port.secret(ROLE)
        aws.refuse = True
        clock.advance(aws.lasts_s - EARLY_S / 2)
        assert (await port.secret(ROLE)).access_key == "ASIA1"
        clock.advance(EARLY_S)
        with pytest.raises(UpstreamFailed):
            await port.secret(ROLE)
        await port.close()

    asyncio.run(main())


@pytest.mark.usefixtures("keys")
def test_the_loop_goes_on_and_a_caller_who_leaves_takes_nobody_along(aws: Aws) -> None:
    aws.gate.clear()

    async def main() -> None:
        port = AwsChain(SystemClock(), sts_url=aws.url)
        first = asyncio.ensure_future(port.secret(ROLE))
        second = asyncio.ensure_future(port.secret(ROLE))
        assert await asyncio.to_thread(aws.arrived.wait, 20)
        first.cancel()
        aws.gate.set()
        assert (await second).token == "role-token"
        assert first.cancelled()
        await port.close()

    asyncio.run(main())
