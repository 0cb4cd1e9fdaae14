"""Connections whose requests are complete as written: their key is a header."""

from portico.contract.ports import AwsIdentity, AwsSecret, UpstreamRequest


class Unsigned:
    @property
    def identity(self) -> AwsIdentity | None:
        return None

    def sign(self, request: UpstreamRequest, secret: AwsSecret, now_ns: int) -> UpstreamRequest:
        return request
