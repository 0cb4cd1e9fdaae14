"""botocore's credential chain, asked once. Everything here blocks: run it off the loop.

botocore reads the environment by itself (`AWS_PROFILE`, `AWS_CONFIG_FILE`,
`AWS_WEB_IDENTITY_TOKEN_FILE`, `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI`, …), because the standard
chain is defined by it. That is the one exception to the rule that only `main/settings.py` does:
https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
"""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Final, Protocol, TypedDict, cast

import msgspec

from portico.contract.errors import UpstreamFailed
from portico.contract.ports import AwsIdentity, AwsSecret

if TYPE_CHECKING:
    from botocore.credentials import Credentials
    from botocore.session import Session

CONNECT_S: Final = 3
READ_S: Final = 5
KINDS: Final[Mapping[str, str]] = {
    "NoCredentialsError": "none",
    "PartialCredentialsError": "none",
    "ProfileNotFound": "profile",
    "ConfigNotFound": "profile",
    "ConfigParseError": "profile",
    "InvalidConfigError": "profile",
    "InfiniteLoopConfigError": "profile",
    "UnknownCredentialError": "profile",
    "SSOTokenLoadError": "login",
    "UnauthorizedSSOTokenError": "login",
    "TokenRetrievalError": "login",
    "LoginTokenLoadError": "login",
    "ClientError": "refused",
    "ParamValidationError": "refused",
    "ConnectTimeoutError": "unreachable",
    "ReadTimeoutError": "unreachable",
    "EndpointConnectionError": "unreachable",
    "ConnectionClosedError": "unreachable",
}
"""botocore's exceptions (botocore/exceptions.py) to our kinds; any other is "failed"."""
ADVICE: Final[Mapping[str, str]] = {
    "none": "There are no AWS credentials here; set AWS_PROFILE or AWS_ACCESS_KEY_ID where "
    "portico runs, give the machine a role, or set the provider's api_key",
    "profile": "The AWS profile cannot be used; see the provider's profile in portico.yaml and "
    "the shared AWS configuration",
    "login": "The AWS sign-in has expired; run `aws sso login` (or `aws login`) for the profile",
    "refused": "AWS did not give credentials for the role or session; see the provider's "
    "assume_role, the role's trust policy (sts:TagSession where session_tags are set) and the "
    "caller's permissions",
    "unreachable": "AWS STS or the metadata service did not answer; see the network of this "
    "machine",
    "failed": "The AWS credential chain failed",
}


class _Given(TypedDict):
    AccessKeyId: str
    SecretAccessKey: str
    SessionToken: str
    Expiration: datetime


class _Sts(Protocol):
    """The part of botocore's generated STS client that is used here."""

    def assume_role(self, **wanted: object) -> Mapping[str, _Given]: ...

    def close(self) -> None: ...


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """Credentials, and when they expire: seconds since the epoch, None where they do not."""

    secret: AwsSecret
    expires_s: float | None = None


def find(identity: AwsIdentity, sts_url: str = "") -> Found:
    """Runs the chain, and assumes the identity's role. Raises UpstreamFailed.

    `sts_url` replaces the address of STS; so does AWS_ENDPOINT_URL_STS, by botocore's own rule.
    """
    # imported here: botocore takes 100 ms and 10 MB, which only a project with Bedrock pays
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.session import Session

    # one attempt: how often something is tried is Portico's to decide
    config = Config(
        connect_timeout=CONNECT_S, read_timeout=READ_S, retries={"total_max_attempts": 1}
    )
    try:
        session = Session(profile=identity.profile or None)
        session.set_config_variable("region", identity.region)
        session.set_default_client_config(config)
        credentials = session.get_credentials()
        if credentials is None:
            raise failed("none")
        if identity.role_arn:
            return _assumed(session, credentials, identity, sts_url)
        return _frozen(credentials)
    except (BotoCoreError, ClientError) as error:
        raise failed(KINDS.get(type(error).__name__, "failed"), _word(error)) from error
    except (OSError, ValueError, KeyError) as error:
        # a token file that is away, or one that holds no JSON
        raise failed("failed", type(error).__name__) from error


def failed(kind: str, word: str = "") -> UpstreamFailed:
    """`word` is AWS's or botocore's name for the error; never a message, which may quote."""
    named = f" ({word})" if word else ""
    return UpstreamFailed(
        f"{ADVICE[kind]}{named}.",
        detail={"stage": "credentials", "kind": kind, "type": word},
    )


def _frozen(credentials: "Credentials") -> Found:
    frozen = credentials.get_frozen_credentials()
    expiry = getattr(credentials, "_expiry_time", None)  # botocore offers no public way to ask
    return Found(
        secret=AwsSecret(
            access_key=frozen.access_key or "",
            secret_key=frozen.secret_key or "",
            token=frozen.token or "",
        ),
        expires_s=expiry.timestamp() if expiry is not None else None,
    )


def _assumed(
    session: "Session", credentials: "Credentials", identity: AwsIdentity, sts_url: str
) -> Found:
    source = credentials.get_frozen_credentials()
    made = session.create_client(
        "sts",
        region_name=identity.region,
        endpoint_url=sts_url or None,
        aws_access_key_id=source.access_key,
        aws_secret_access_key=source.secret_key,
        aws_session_token=source.token,
    )
    client = cast("_Sts", made)
    wanted: dict[str, object] = {
        "RoleArn": identity.role_arn,
        "RoleSessionName": identity.session_name,
    }
    if identity.session_tags:
        wanted["Tags"] = [{"Key": key, "Value": value} for key, value in identity.session_tags]
    try:
        given = client.assume_role(**wanted)["Credentials"]
    finally:
        client.close()
    return Found(
        secret=AwsSecret(
            access_key=given["AccessKeyId"],
            secret_key=given["SecretAccessKey"],
            token=given["SessionToken"],
        ),
        expires_s=given["Expiration"].timestamp(),
    )


def _word(error: Exception) -> str:
    response = getattr(error, "response", None)
    code = response.get("Error", {}).get("Code", "") if isinstance(response, dict) else ""
    return str(code)[:64] or type(error).__name__
