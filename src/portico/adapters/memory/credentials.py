"""AWS credentials without AWS: the same secret for everybody, and who asked for it."""

from portico.contract.errors import UpstreamFailed
from portico.contract.ports import AwsIdentity, AwsSecret


class MemoryCredentials:
    """Satisfies `contract.ports.AwsCredentials`. Without a secret it has none to give."""

    def __init__(self, secret: AwsSecret | None = None) -> None:
        self._secret = secret
        self.asked: list[AwsIdentity] = []

    async def secret(self, identity: AwsIdentity) -> AwsSecret:
        self.asked.append(identity)
        if self._secret is None:
            raise UpstreamFailed(
                "There are no AWS credentials here.",
                detail={"stage": "credentials", "kind": "none"},
            )
        return self._secret
