"""The doctor: every trouble has a row, a state and something to do."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Literal

import pytest

from portico.contract.errors import UpstreamFailed
from portico.contract.ports import UpstreamReply, UpstreamRequest
from portico.contract.snapshot import Model, Provider, Snapshot
from portico.main.cli.conformance import PROBES, conformance, listed
from portico.main.cli.findings import Finding
from portico.main.cli.premises import permissions, premises, schema
from portico.main.cli.reach import clock, examine
from portico.main.cli.server import Reply, Server
from portico.main.settings import Settings

OPENAI = Provider(name="openai", kind="openai", api_key="${KEY}")


class FakeReply:
    def __init__(self, status: int, headers: Mapping[str, str]) -> None:
        self.status = status
        self.headers = headers
        self.address = "203.0.113.9"
        self.private = False
        self.connection: Literal["new", "reused", "retried"] = "new"
        self.closed = False

    async def chunks(self) -> AsyncIterator[bytes]:
        yield b""

    async def read(self) -> bytes:
        return b""

    async def close(self) -> None:
        self.closed = True


class FakeUpstream:
    """Answers every request alike, or fails."""

    def __init__(self, reply: FakeReply | UpstreamFailed) -> None:
        self.reply = reply
        self.sent: list[UpstreamRequest] = []

    async def send(self, request: UpstreamRequest) -> UpstreamReply:
        self.sent.append(request)
        if isinstance(self.reply, UpstreamFailed):
            raise self.reply
        return self.reply

    async def close(self) -> None: ...


def states(rows: list[Finding]) -> dict[str, str]:
    return {row.check: row.state for row in rows}


def look(
    reply: FakeReply | UpstreamFailed, provider: Provider = OPENAI
) -> tuple[list[Finding], FakeUpstream]:
    upstream = FakeUpstream(reply)
    return asyncio.run(examine(provider, {"KEY": "sk-secret"}, upstream)), upstream


def test_a_provider_that_answers_is_reached_accepted_and_released() -> None:
    reply = FakeReply(200, {})
    rows, upstream = look(reply)
    assert set(states(rows).values()) == {"ok"}
    assert any("203.0.113.9 (public)" in row.found for row in rows)
    assert upstream.sent[0].network.first_byte_s <= 10
    assert reply.closed


@pytest.mark.parametrize(
    ("status", "state"), [(401, "fail"), (403, "fail"), (404, "warn"), (500, "warn")]
)
def test_what_the_provider_says_to_the_credential_is_told(status: int, state: str) -> None:
    rows, _ = look(FakeReply(status, {}))
    assert states(rows)["provider openai: accepted"] == state
    assert "sk-secret" not in repr(rows)


@pytest.mark.parametrize("stage", ["address", "dns", "connect", "tls", "first_byte"])
def test_a_provider_out_of_reach_fails_with_something_to_do(stage: str) -> None:
    rows, _ = look(UpstreamFailed("It did not work.", detail={"stage": stage}))
    (row,) = (row for row in rows if row.check.endswith("reach"))
    assert row.state == "fail"
    assert row.todo


def test_a_missing_variable_and_a_missing_key_fail() -> None:
    upstream = FakeUpstream(FakeReply(200, {}))
    (row,) = asyncio.run(examine(OPENAI, {}, upstream))
    assert (row.state, upstream.sent) == ("fail", [])
    rows, _ = look(FakeReply(401, {}), Provider(name="openai", kind="openai"))
    assert states(rows)["provider openai: credential"] == "fail"
    own = Provider(name="own", kind="openai", base_url="http://127.0.0.1:1/v1")
    rows, _ = look(FakeReply(200, {}), own)
    assert states(rows)["provider own: credential"] == "ok"


@pytest.mark.parametrize(("apart", "state"), [(0, "ok"), (29, "ok"), (40, "warn"), (-40, "warn")])
def test_a_clock_that_is_off_is_a_warning(apart: float, state: str) -> None:
    (row,) = clock("p", {"date": "Tue, 14 Nov 2023 22:13:20 GMT"}, 1_700_000_000 + apart)
    assert row.state == state


@pytest.mark.parametrize("headers", [{}, {"date": "yesterday"}])
def test_a_provider_without_a_date_says_nothing_of_the_clock(headers: dict[str, str]) -> None:
    assert clock("p", headers, 0) == []


def test_an_empty_directory_has_nothing_wrong(tmp_path: Path) -> None:
    rows = list(premises(tmp_path / ".portico", Settings()))
    assert "fail" not in states(rows).values()
    assert {"disk", "permissions", "schema", "server", "journal"} == states(rows).keys()


def test_files_that_others_may_read_are_found(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    (data / "portico.db").touch(0o600)
    assert permissions(data).state == "ok"
    (data / "portico.db").chmod(0o644)
    assert (permissions(data).state, "chmod 600" in permissions(data).todo) == ("warn", True)
    data.chmod(0o755)
    assert (permissions(data).state, "chmod 700" in permissions(data).todo) == ("fail", True)


def test_a_store_that_is_no_store_fails(tmp_path: Path) -> None:
    (tmp_path / "portico.db").write_bytes(b"not a database, but long enough to be looked at" * 40)
    assert schema(tmp_path).state == "fail"


def test_a_server_file_without_a_server_fails_and_says_what_to_remove(tmp_path: Path) -> None:
    file = tmp_path / "server.json"
    file.touch(0o600)
    file.write_text(json.dumps({"url": "http://127.0.0.1:9", "token": "t"}))
    rows = {row.check: row for row in premises(tmp_path, Settings())}
    assert rows["server"].state == "fail"
    assert "server.json" in rows["server"].todo


class Script(Server):
    """A server whose whole answers are scripted; nothing is listening."""

    def request(self, method: str, path: str, **rest: Any) -> Reply:
        body = rest["body"]
        if body.get("temperature") == 1000:
            error = {"error": {"message": "Too hot.", "code": "invalid_request"}}
            return Reply(400, {}, json.dumps(error).encode())
        message: dict[str, object] = {"content": '{"capital": "Oslo"}'}
        if "tools" in body:
            call = {"function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}
            message = {"content": None, "tool_calls": [call]}
        answer = {
            "choices": [{"message": message, "finish_reason": "length"}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 4},
        }
        return Reply(200, {}, json.dumps(answer).encode())


def snapshot(*models: Model) -> Snapshot:
    providers = (OPENAI, Provider(name="sim", kind="simulator"))
    return Snapshot(project="p", providers=providers, models=models, workloads=())


def test_a_conforming_model_passes_every_whole_probe_and_a_dead_stream_fails() -> None:
    dead = Script("http://127.0.0.1:9", "t", local=True)
    rows = list(conformance(dead, snapshot(Model(name="m", provider="openai", id="m"))))
    assert len(rows) == len(PROBES)
    assert {row.check: row.state for row in rows if row.state != "ok"} == {
        "m: stream with usage": "fail"
    }


def test_simulated_models_are_asked_only_where_there_is_no_other() -> None:
    real = Model(name="a", provider="openai", id="a")
    fake = Model(name="b", provider="sim", id="echo")
    hidden = Model(name="c", provider="openai", id="c", listed=False)
    assert listed(snapshot(real, fake, hidden)) == [real]
    assert listed(snapshot(fake, hidden)) == [fake]
