"""A serving process from its first start to its last byte: nothing is dropped or lost."""

import concurrent.futures
import http.client
import json
import signal
import socket
import stat
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.acceptance.house import PATIENCE_S, Running, command, start, up
from tests.acceptance.waiting import eventually

TWO_WORKLOADS = """
providers: {sim: {kind: simulator}}
models: {one: {provider: sim, id: echo}}
workloads:
  default: {ladder: [one]}
  second: {ladder: [one]}
"""
BROKEN = "workloads:\n  default: {laddr: [one]}\n"


def connect(running: Running) -> socket.socket:
    place = urlsplit(running.url)
    return socket.create_connection((place.hostname, place.port), PATIENCE_S)


def raw_call(running: Running, model: str, text: str = "Hi", *, stream: bool = True) -> bytes:
    body = json.dumps(
        {"model": model, "stream": stream, "messages": [{"role": "user", "content": text}]}
    ).encode()
    return (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {running.key}\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    ).encode() + body


def tail(running: Running) -> list[dict[str, object]]:
    shown = running.portico("calls", "tail", "--json")
    assert shown.returncode == 0, shown.stderr
    return json.loads(shown.stdout)  # type: ignore[no-any-return]


def test_an_empty_directory_is_served_by_the_simulator_and_holds_only_its_data(
    tmp_path: Path,
) -> None:
    with up(tmp_path) as running:
        assert set(running.ready) == {"url", "admin_key", "version"}
        assert running.chat("Hello").json["choices"][0]["message"]["content"] == "Hello"
        assert "simulator" in running.log
        assert [path.name for path in tmp_path.iterdir()] == [".portico"]
        data = tmp_path / ".portico"
        assert stat.S_IMODE(data.stat().st_mode) == 0o700
        for path in data.rglob("*"):
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_provider_keys_in_the_environment_make_the_catalogue(tmp_path: Path) -> None:
    environment = {"OPENAI_API_KEY": "sk-nothing", "ANTHROPIC_API_KEY": "sk-ant-nothing"}
    with up(tmp_path, environment=environment) as running:
        names = [model["id"] for model in running.ask("/v1/models").json["data"]]
        assert names[0] == "default"
        assert "openai/gpt-5-mini" in names
        assert "claude/claude-sonnet-4-5" in names or "anthropic/claude-sonnet-4-5" in names
        assert "sk-nothing" not in running.log
        for path in (tmp_path / ".portico").rglob("*"):
            if path.is_file():
                assert b"sk-nothing" not in path.read_bytes(), path


def test_the_admin_key_is_shown_once_and_works_on(tmp_path: Path) -> None:
    with up(tmp_path) as first:
        key = first.key
    with up(tmp_path) as second:
        assert "admin_key" not in second.ready
        assert second.ask("/v1/models", key=key).status == 200


def test_two_processes_do_not_serve_one_data_directory(tmp_path: Path) -> None:
    with up(tmp_path):
        other = command("up", "--port", "0", "--json", directory=tmp_path)
        assert other.returncode == 2
        assert "another" in other.stderr.lower() or "already" in other.stderr.lower()


def test_a_key_is_scoped_and_its_revocation_counts_from_the_next_call(tmp_path: Path) -> None:
    with up(tmp_path) as running:
        made = json.loads(
            running.portico("key", "create", "--workload", "default", "--json").stdout
        )
        body = {"model": "default", "messages": [{"role": "user", "content": "x"}]}
        path = "/v1/chat/completions"
        assert running.ask(path, body, key=made["key"]).status == 200
        assert running.ask("/admin/v1/keys", key=made["key"]).status == 403
        assert running.portico("key", "revoke", made["id"]).returncode == 0
        assert running.ask(path, body, key=made["key"]).status == 401
        assert made["key"] not in running.portico("key", "list").stdout


def test_apply_and_sighup_swap_the_configuration_and_a_bad_one_is_refused(tmp_path: Path) -> None:
    with up(tmp_path) as running:
        (tmp_path / "portico.yaml").write_text(TWO_WORKLOADS)
        assert running.portico("apply").returncode == 0
        assert running.chat(model="second").status == 200

        (tmp_path / "portico.yaml").write_text(BROKEN)
        refused = running.portico("apply")
        assert refused.returncode == 2
        assert "portico.yaml:2" in refused.stdout + refused.stderr
        assert running.chat(model="second").status == 200

        running.process.send_signal(signal.SIGHUP)
        eventually(lambda: "refused" in running.ask("/readyz").body.decode())
        assert running.chat(model="second").status == 200

        (tmp_path / "portico.yaml").write_text(TWO_WORKLOADS.replace("second", "third"))
        running.process.send_signal(signal.SIGHUP)
        eventually(lambda: running.chat(model="third").status == 200)
        assert running.chat(model="second").status == 404


def test_no_call_is_dropped_while_the_configuration_is_swapped(tmp_path: Path) -> None:
    (tmp_path / "portico.yaml").write_text(TWO_WORKLOADS)
    with up(tmp_path) as running, concurrent.futures.ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(running.chat, "x") for _ in range(100)]
        for number in range(5):
            (tmp_path / "portico.yaml").write_text(f"{TWO_WORKLOADS}# {number}\n")
            assert running.portico("apply").returncode == 0
        assert {call.result().status for call in calls} == {200}


def test_the_directory_is_not_applied_again_and_its_drift_is_reported(tmp_path: Path) -> None:
    (tmp_path / "portico.yaml").write_text(TWO_WORKLOADS)
    with up(tmp_path):
        pass
    (tmp_path / "portico.yaml").write_text(TWO_WORKLOADS.replace("second", "third"))
    with up(tmp_path, environment={"PORTICO_ADMIN_KEY": "an-admin-key-of-mine"}) as running:
        key = "an-admin-key-of-mine"
        names = [model["id"] for model in running.ask("/v1/models", key=key).json["data"]]
        assert "second" in names
        assert "third" not in names
        assert running.ask("/readyz", key=key).json["drift"] == ["portico.yaml: changed"]


def test_sigterm_lets_a_stream_finish_and_refuses_new_calls(tmp_path: Path) -> None:
    with up(tmp_path) as running:
        with connect(running) as stream:
            stream.sendall(raw_call(running, "sim/echo?tps=20", "word " * 40))
            first = stream.recv(65536)
            running.process.send_signal(signal.SIGTERM)
            refused = eventually(lambda: refusal(running))
            body = first
            while piece := stream.recv(65536):
                body += piece
        assert body.rstrip().endswith(b"0") and b"data: [DONE]" in body  # noqa: PT018 - one claim
        assert refused in (503, "closed")
        assert running.process.wait(PATIENCE_S) == 0


def refusal(running: Running) -> int | str | None:
    try:
        status = running.chat().status
    except (OSError, http.client.HTTPException):
        return "closed"
    return status if status != 200 else None


def test_a_caller_who_leaves_is_settled_as_cancelled(tmp_path: Path) -> None:
    with up(tmp_path) as running:
        with connect(running) as caller:
            caller.sendall(raw_call(running, "sim/echo?tps=5", "word " * 100))
            assert b"200 OK" in caller.recv(65536)
        found = eventually(
            lambda: [call for call in tail(running) if call["status"] == "cancelled"]
        )
        assert isinstance(found, list)
        (attempt,) = found[0]["attempts"]
        assert attempt["status"] == "cancelled"
        assert attempt["usage_source"] == "estimated"
        assert attempt["usage"]["output"] < 100


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GARBAGE\r\n\r\n", b"400"),
        (b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-long: " + b"a" * 100_000 + b"\r\n\r\n", b"431"),
        (b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-endless: " + b"a" * 200_000, b"431"),
        (b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n", b"431"),
    ],
)
def test_a_malformed_head_is_refused_and_the_server_lives_on(
    tmp_path: Path, sent: bytes, status: bytes
) -> None:
    with up(tmp_path) as running:
        with connect(running) as caller:
            caller.sendall(sent)
            assert caller.recv(65536).split(b" ")[1] == status
        assert running.chat().status == 200


def test_a_slow_body_is_refused_in_time(tmp_path: Path) -> None:
    (tmp_path / "portico.yaml").write_text("limits: {read_body: 200ms}\n")
    with up(tmp_path) as running:
        with connect(running) as caller:
            caller.sendall(raw_call(running, "default")[:-5])
            assert b"408" in caller.recv(65536)
        assert running.chat().status == 200


def test_a_half_closed_socket_is_a_caller_who_left(tmp_path: Path) -> None:
    with up(tmp_path) as running:
        with connect(running) as caller:
            caller.sendall(raw_call(running, "sim/echo?tps=5", "word " * 100))
            caller.recv(65536)
            caller.shutdown(socket.SHUT_WR)
            while caller.recv(65536):
                pass
        eventually(lambda: [call for call in tail(running) if call["status"] == "cancelled"])
        assert running.chat().status == 200


def test_a_backup_taken_while_serving_brings_everything_back(tmp_path: Path) -> None:
    home, away = tmp_path / "home", tmp_path / "away"
    home.mkdir()
    (home / "portico.yaml").write_text(TWO_WORKLOADS)
    with up(home) as running:
        call = running.chat("remember me").headers["x-portico-call"]
        (tmp_path / "words").write_text("a passphrase\n")
        saved = running.portico(
            "backup", str(tmp_path / "saved"), "--passphrase-file", str(tmp_path / "words")
        )
        assert saved.returncode == 0, saved.stderr
        key = running.key
    away.mkdir()
    (tmp_path / "wrong").write_text("another\n")
    words = ("--passphrase-file", str(tmp_path / "wrong"))
    assert command("restore", str(tmp_path / "saved"), *words, directory=away).returncode == 2
    words = ("--passphrase-file", str(tmp_path / "words"))
    restored = command("restore", str(tmp_path / "saved"), *words, directory=away)
    assert restored.returncode == 0, restored.stderr
    with up(away) as running:
        assert "admin_key" not in running.ready
        assert running.ask(f"/admin/v1/calls/{call}", key=key).status == 200
        assert running.ask("/v1/models/second", key=key).status == 200


def test_a_killed_process_leaves_a_lost_call_with_its_estimated_cost(tmp_path: Path) -> None:
    project = TWO_WORKLOADS.replace("id: echo}", "id: 'echo?tps=2', price: {input: 1, output: 2}}")
    (tmp_path / "portico.yaml").write_text(project)
    running = start(tmp_path, "up")
    with connect(running) as caller:
        caller.sendall(raw_call(running, "default", "word " * 100))
        assert b"200 OK" in caller.recv(65536)
        running.stop(signal.SIGKILL)
    assert running.process.stdout is not None
    running.process.stdout.close()
    with up(tmp_path) as again:
        shown = json.loads(again.portico("calls", "tail", "--json").stdout)
    (lost,) = shown
    assert lost["status"] == "lost"
    assert lost["cost_nano"] >= 4096 * 2000


def test_a_project_with_problems_is_not_served_and_all_are_told_with_their_places(
    tmp_path: Path,
) -> None:
    (tmp_path / "portico.yaml").write_text(BROKEN + "foo: 1\n")
    refused = command("up", "--port", "0", directory=tmp_path)
    assert refused.returncode == 2
    assert "portico.yaml:2:" in refused.stderr
    assert "portico.yaml:3:1: foo: unknown key" in refused.stderr
    checked = command("check", directory=tmp_path)
    assert checked.returncode == 2
