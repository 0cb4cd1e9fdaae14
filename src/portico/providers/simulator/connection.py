"""How the simulator is reached in process: URLs that only `adapters.simulator` understands."""

from collections.abc import Mapping

from portico.contract.call import Operation
from portico.contract.ports import UpstreamRequest
from portico.contract.snapshot import Provider
from portico.methods.hashing import content_hash
from portico.providers.unsigned import Unsigned

SCHEME = "simulator://"

WIRES: Mapping[Operation, str] = {"chat": "openai_chat", "embeddings": "openai_embeddings"}
PROBE = "models"


def place(provider: Provider) -> str:
    """What tells one simulator from another: its name, and its script, so that a release which
    remembers an older script gets that."""
    digest = content_hash(provider.script, 8) if provider.script else ""
    return f"{provider.name}~{digest}" if digest else provider.name


class SimulatorConnection(Unsigned):
    """A `portico.contract.ports.Connection` to the simulator of one provider."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._urls = {
            operation: f"{SCHEME}{place(provider)}/{wire}" for operation, wire in WIRES.items()
        }

    def wire(self, operation: Operation) -> str:
        return WIRES[operation]

    def cap_field(self) -> str:
        return "max_tokens"

    def request(
        self,
        operation: Operation,
        model_id: str,
        body: bytes,
        stream: bool,
        forwarded: Mapping[str, str],
    ) -> UpstreamRequest:
        """No header of the caller means anything to the simulator."""
        return UpstreamRequest(
            method="POST",
            url=self._urls[operation],
            headers=(),
            body=body,
            network=self._provider.network,
        )

    def probe(self) -> UpstreamRequest:
        return UpstreamRequest(
            method="GET",
            url=f"{SCHEME}{place(self._provider)}/{PROBE}",
            headers=(),
            body=b"",
            network=self._provider.network,
        )


def connect(provider: Provider, api_key: str = "") -> SimulatorConnection:
    """Every provider's room connects with a key; the simulator has no use for one."""
    return SimulatorConnection(provider)
