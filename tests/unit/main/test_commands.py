"""The commands against a hand-made server, and without one: output, messages and exit codes."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from portico.contract.receipt import Receipt
from portico.main.cli.calls import following
from portico.main.cli.commands import COMMANDS, help_text
from portico.main.cli.group import portico
from portico.main.cli.server import Server

Respond = Callable[[str, str, bytes], tuple[int, dict[str, str], bytes]]
TOKEN = "pk_local_token"
LISTED = {
    "id": "key_1",
    "name": "app",
    "kind": "key",
    "workloads": ["support"],
    "team": "care",
    "created": 1.7e9,
    "expires": None,
    "revoked": None,
    "state": "active",
}


class Stand:
    """A server in a thread that answers what a test says, and a project directory that has it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.asked: list[tuple[str, str, str, bytes]] = []
        self.respond: Respond = lambda method, path, body: (404, {}, b"{}")
        stand = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                shown = self.headers.get("authorization", "")
                stand.asked.append((self.command, self.path, shown, body))
                status, headers, content = stand.respond(self.command, self.path, body)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = answer  # noqa: N815 - the library's names

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - inherited
                """Nothing: the tests read stderr."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        data = directory / ".portico"
        data.mkdir(mode=0o700)
        self.file = data / "server.json"
        self.file.touch(0o600)
        self.file.write_text(json.dumps({"url": self.url, "token": TOKEN, "pid": os.getpid()}))

    def says(self, status: int, body: object, **headers: str) -> None:
        content = msgspec.json.encode(body)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.respond = lambda method, path, sent: (status, named, content)

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stand]:
    alone(monkeypatch)
    monkeypatch.chdir(tmp_path)
    stand = Stand(tmp_path)
    yield stand
    stand.close()


def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of whoever runs the tests."""
    for name in list(os.environ):
        if name.startswith("PORTICO_") or name.endswith("_API_KEY"):
            monkeypatch.delenv(name)


def run(*words: str, stdin: str | bytes | None = None) -> Result:
    return CliRunner().invoke(portico, words, input=stdin)


def test_help_lists_the_commands_and_imports_none_of_them() -> None:
    code = (
        "import sys\nfrom portico.main.cli import main\n"
        "sys.argv = ['portico', '--help']\nmain()\n"
        "print([m for m in sys.modules if m.split('.')[0] in "
        "('click', 'msgspec', 'rich', 'fastapi', 'pydantic', 'aiohttp', 'http', 'asyncio', 'yaml')"
        " or m.startswith('portico.main.cli.') and not m.endswith('.commands')], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    assert all(name in done.stdout for name in COMMANDS)


@pytest.mark.parametrize("words", [["-h"], ["--help"]])
def test_help_is_the_same_whoever_prints_it(words: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "portico", *words], capture_output=True, text=True, check=True
    )
    assert done.stdout == CliRunner().invoke(portico, words, prog_name="portico").stdout


def test_help_names_every_option_and_fits_a_terminal() -> None:
    options = [option for each in portico.params for option in each.opts]
    assert all(option in help_text() for option in [*options, "--help", "-h"])
    assert all(len(line) <= 80 for line in help_text().splitlines())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_listed_command_can_be_asked_for_help(name: str) -> None:
    result = run(name, "--help")
    assert result.exit_code == 0
    assert "Usage:" in result.stdout


def test_without_a_server_the_message_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone(monkeypatch)
    monkeypatch.chdir(tmp_path)
    result = run("key", "list")
    assert (result.exit_code, result.stdout) == (3, "")
    assert "portico up" in result.stderr


def test_a_server_that_has_gone_is_no_answer(stand: Stand) -> None:
    stand.close()
    result = run("key", "list")
    assert result.exit_code == 3
    assert "did not answer" in result.stderr


def test_a_server_file_that_others_could_have_written_is_refused(stand: Stand) -> None:
    stand.file.chmod(0o644)
    result = run("call", "support", "hello")
    assert (result.exit_code, stand.asked) == (2, [])
    assert "0600" in result.stderr


def test_the_local_token_is_shown_to_the_local_server_only(stand: Stand) -> None:
    stand.says(200, {"keys": []})
    assert run("key", "list", "--json").stdout == "[]\n"
    assert stand.asked[-1][2] == f"Bearer {TOKEN}"
    without = run("key", "list", "--url", stand.url)
    assert (without.exit_code, len(stand.asked)) == (2, 1)
    assert run("key", "list", "--url", stand.url, "--key", "pk_a_b").exit_code == 0
    assert stand.asked[-1][2] == "Bearer pk_a_b"


def test_a_bad_variable_is_a_usage_error_that_names_it(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTICO_URL", "nonsense")
    result = run("key", "list")
    assert result.exit_code == 2
    assert "PORTICO_URL" in result.stderr


def test_key_create_prints_id_and_key_as_json(stand: Stand) -> None:
    stand.says(201, LISTED | {"key": "pk_1_secret"})
    result = run(
        *("key", "create", "--workload", "support", "--workload", "faq"),
        *("--team", "care", "--expires", "30d", "--json"),
    )
    assert json.loads(result.stdout) == {"id": "key_1", "key": "pk_1_secret"}
    method, path, _, body = stand.asked[-1]
    assert (method, path) == ("POST", "/admin/v1/keys")
    assert json.loads(body) == {
        "name": "support, faq",
        "kind": "key",
        "workloads": ["support", "faq"],
        "team": "care",
        "expires_s": 2_592_000.0,
    }


def test_key_create_without_json_prints_only_the_key_on_stdout(stand: Stand) -> None:
    stand.says(201, LISTED | {"key": "pk_1_secret"})
    assert run("key", "create", "--workload", "*").stdout == "pk_1_secret\n"


@pytest.mark.parametrize(
    "words",
    [
        ("key", "create"),
        ("key", "create", "--metrics", "--workload", "a"),
        ("key", "create", "--workload", "a", "--expires", "soon"),
        ("key", "rotate", "key_1", "--overlap", "1"),
        ("calls", "tail", "--limit", "0"),
        ("call", "support"),
        ("up", "--port", "70000"),
        ("nonsense",),
    ],
)
def test_wrong_usage_ends_with_two_and_asks_no_server(stand: Stand, words: tuple[str, ...]) -> None:
    result = run(*words)
    assert (result.exit_code, result.stdout, stand.asked) == (2, "", [])


def test_a_refusal_of_the_server_is_a_usage_error_with_its_reason(stand: Stand) -> None:
    stand.says(400, {"error": {"code": "invalid_request", "message": "There is no workload."}})
    result = run("key", "create", "--workload", "x")
    assert result.exit_code == 2
    assert "There is no workload." in result.stderr


def test_a_failure_of_the_server_is_no_answer(stand: Stand) -> None:
    stand.says(503, {"error": {"code": "overloaded", "message": "Full."}})
    assert run("calls", "tail").exit_code == 3


def test_key_list_shows_a_row_a_key_with_its_state(stand: Stand) -> None:
    stand.says(200, {"keys": [LISTED, LISTED | {"id": "key_2", "state": "revoked"}]})
    head, first, second = run("key", "list").stdout.splitlines()
    assert head.split()[0] == "ID"
    assert (first.split()[0], first.split()[-1]) == ("key_1", "active")
    assert (second.split()[0], second.split()[-1]) == ("key_2", "revoked")


def test_a_path_quotes_what_a_caller_typed(stand: Stand) -> None:
    stand.says(404, {"error": {"code": "invalid_request", "message": "No."}})
    run("key", "revoke", "../calls?x=1")
    assert stand.asked[-1][1] == "/admin/v1/keys/..%2Fcalls%3Fx%3D1/revoke"


def receipts(count: int) -> list[dict[str, Any]]:
    made = [Receipt(call=f"call_{n:04}", received_ns=n, door="openai_chat") for n in range(count)]
    return [json.loads(msgspec.json.encode(receipt)) for receipt in made]


def ledger(stand: Stand, calls: list[dict[str, Any]]) -> None:
    """The stand answers like the ledger over `calls`, which may grow."""

    def respond(method: str, path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        query = dict(part.split("=") for part in path.partition("?")[2].split("&"))
        ids = [call["call"] for call in calls]
        limit = int(query["limit"])
        if "after" in query:
            start = ids.index(query["after"]) + 1
            found = calls[start : start + limit]
        else:
            stop = ids.index(query["before"]) if "before" in query else len(calls)
            found = calls[max(0, stop - limit) : stop]
        return 200, {}, json.dumps({"calls": found}).encode()

    stand.respond = respond


def test_calls_tail_prints_one_array_of_complete_receipts_newest_last(stand: Stand) -> None:
    ledger(stand, receipts(60))
    shown = json.loads(run("calls", "tail", "--json").stdout)
    assert [call["id"] for call in shown] == [f"call_{n:04}" for n in range(10, 60)]
    assert shown[0]["status"] == "ok"


def test_calls_tail_pages_when_more_is_asked_for_than_a_page_holds(stand: Stand) -> None:
    ledger(stand, receipts(1500))
    shown = json.loads(run("calls", "tail", "--json", "--limit", "1400").stdout)
    assert [call["id"] for call in shown] == [f"call_{n:04}" for n in range(100, 1500)]


def test_following_shows_every_call_once_in_the_order_of_recording(stand: Stand) -> None:
    calls = receipts(3)
    ledger(stand, calls)
    waits = iter([receipts(5)[3:], [], receipts(2300)[5:]])
    seen = following(Server(stand.url, TOKEN, local=True), 2, lambda: calls.extend(next(waits)))
    assert [next(seen).call for _ in range(2299)] == [f"call_{n:04}" for n in range(1, 2300)]


def test_following_an_empty_ledger_begins_with_its_first_call(stand: Stand) -> None:
    calls: list[dict[str, Any]] = []
    ledger(stand, calls)
    seen = following(Server(stand.url, TOKEN, local=True), 50, lambda: calls.extend(receipts(2)))
    assert [next(seen).call for _ in range(2)] == ["call_0000", "call_0001"]


def test_calls_show_explains_and_with_json_gives_the_whole_receipt(stand: Stand) -> None:
    stand.says(200, receipts(1)[0])
    assert "call_0000  ok, HTTP 200" in run("calls", "show", "call_0000").stdout
    shown = json.loads(run("calls", "show", "call_0000", "--json").stdout)
    assert shown["id"] == "call_0000"
    assert shown["attempts"] == []


STREAM = (
    b'data: {"choices":[{"delta":{"role":"assistant"}}]}\n\n'
    b": keep-alive\n\n"
    b'data: {"choices":[{"delta":{"content":"Hel"}}]}\n\n'
    b'data: {"choices":[{"delta":{"content":"lo"},"finish_reason":"length"}]}\n\n'
)
LAST = b'data: {"choices":[],"portico":{"model":"m","cost_usd":0.000125000}}\n\ndata: [DONE]\n\n'


def test_call_streams_the_answer_to_stdout_and_sums_up_on_stderr(stand: Stand) -> None:
    stand.respond = lambda *_: (200, {"x-portico-call": "call_7"}, STREAM + LAST)
    result = run("call", "support", "-", "--system", "Be brief.", "--max-tokens", "5", stdin="hi ü")
    assert (result.exit_code, result.stdout) == (0, "Hello\n")
    assert all(fact in result.stderr for fact in ("call_7", "$0.000125", "cut at the most"))
    sent = json.loads(stand.asked[-1][3])
    assert sent["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "hi ü"},
    ]
    assert (sent["stream"], sent["max_tokens"]) == (True, 5)


@pytest.mark.parametrize(
    "end", [b"", b'data: {"error":{"message":"gone","code":"upstream_failed"}}\n\n']
)
def test_a_stream_that_breaks_is_no_answer(stand: Stand, end: bytes) -> None:
    stand.respond = lambda *_: (200, {}, STREAM + end)
    result = run("call", "support", "hello")
    assert (result.exit_code, result.stdout) == (3, "Hello\n")


def test_call_with_json_prints_status_headers_and_body(stand: Stand) -> None:
    stand.says(200, {"choices": [], "big": 12345678901234567890}, x_portico_call="call_7")
    shown = json.loads(run("call", "support", "hello", "--json").stdout)
    assert (shown["status"], shown["headers"]["x-portico-call"]) == (200, "call_7")
    assert shown["body"]["big"] == 12345678901234567890
    assert "stream" not in json.loads(stand.asked[-1][3])


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        ("unknown_model", 404, 2),
        ("unauthenticated", 401, 2),
        ("guard_blocked", 400, 1),
        ("budget_exhausted", 429, 3),
        ("upstream_failed", 502, 3),
    ],
)
def test_a_refused_call_ends_with_the_code_of_whose_matter_it_is(
    stand: Stand, code: str, status: int, expected: int
) -> None:
    stand.says(status, {"error": {"message": "No.", "type": "x"}}, x_portico_error=code)
    for words in (("--json",), ("--no-stream",), ()):
        result = run("call", "support", "hello", *words)
        assert result.exit_code == expected
        assert f"{code}: No." in result.stderr


def test_apply_uploads_the_directory_and_prints_what_changed(stand: Stand) -> None:
    (stand.directory / "portico.yaml").write_text("project: default\n")
    (stand.directory / "prompts").mkdir()
    (stand.directory / "prompts/a.md").write_text("Hello")
    stand.says(200, {"digest": "abcdef", "changed": ["prompts/a.md: new"], "warnings": ["w"]})
    result = run("apply")
    assert (result.exit_code, result.stdout) == (0, "prompts/a.md: new\n")
    sent = json.loads(stand.asked[-1][3])
    assert sent["files"] == {"portico.yaml": "project: default\n", "prompts/a.md": "Hello"}


def test_a_refused_apply_prints_problems_with_their_places(stand: Stand) -> None:
    (stand.directory / "portico.yaml").write_text("a: 1\n")
    wrong = {"file": "portico.yaml", "line": 1, "column": 1, "path": "a", "message": "unknown key"}
    stand.says(400, {"error": {"code": "invalid_request", "message": "1"}, "problems": [wrong]})
    result = run("apply")
    assert (result.exit_code, result.stdout) == (2, "portico.yaml:1:1: a: unknown key\n")


def test_backup_wants_a_passphrase_of_some_length_and_never_on_the_command_line(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "PORTICO_PASSPHRASE" in run("backup", "out.bin").stderr
    monkeypatch.setenv("PORTICO_PASSPHRASE", "short")
    assert run("backup", "out.bin").exit_code == 2
    monkeypatch.setenv("PORTICO_PASSPHRASE", "long enough")
    result = run("backup", "out.bin")
    assert (result.exit_code, Path("out.bin").exists()) == (2, False)
    assert "not a data directory" in result.stderr
