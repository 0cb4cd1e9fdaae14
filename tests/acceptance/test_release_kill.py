"""An apply and a rollback are there whole or not at all: cut connections, and kill -9."""

import http.client
import json
import random
import signal
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.acceptance.house import PATIENCE_S, Running, end, start, up
from tests.acceptance.shipping import (
    BASE,
    ENVIRONMENT,
    KEY,
    KIND,
    PROMPT,
    acts,
    answered,
    done,
    ship,
    write,
)

NAMES = ("support", "sales")
KILLS = 8
OTHER = {"brief": "kind", "kind": "brief"}
SILENT = {"prompts/support.md": PROMPT % "silent"}


@pytest.fixture
def portico(tmp_path: Path) -> Iterator[Running]:
    directory = tmp_path / "project"
    write(directory, BASE)
    with up(directory) as running:
        yield running


def upload(running: Running, files: Mapping[str, str], share: float) -> None:
    """An apply whose connection is cut after that share of its body."""
    body = json.dumps({"files": {**BASE, **files}}).encode()
    head = (
        f"POST /admin/v1/apply HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {running.key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    ).encode()
    place = urlsplit(running.url)
    with socket.create_connection((place.hostname, place.port), PATIENCE_S) as connection:
        connection.sendall(head + body[: int(len(body) * share)])


def pointers(running: Running) -> dict[str, tuple[str, str, str]]:
    """Release, what moved it last and how it differs from its directory, in one reading."""
    found = running.ask("/admin/v1/workloads").json["workloads"]
    return {
        each["name"]: (each["release"], each["action"], each["drift"])
        for each in found
        if each["name"] in NAMES
    }


def test_an_apply_that_is_cut_in_its_upload_changes_nothing(portico: Running) -> None:
    before, trail = answered(portico), acts(portico)
    for share in (0.0, 0.5, 0.99):
        upload(portico, KIND, share)
    assert "nothing would change" in done(portico, "plan")
    assert answered(portico) == before
    assert acts(portico) == trail


def test_an_apply_that_is_cut_after_its_upload_is_whole_or_not_there(portico: Running) -> None:
    old = pointers(portico)
    ship(portico, KIND)
    new = pointers(portico)
    wholes = [old, new]
    for number in range(10):
        upload(portico, BASE if number % 2 == 0 else KIND, 1.0)
        for _ in range(10):
            assert pointers(portico) in wholes
    ship(portico, SILENT)
    assert answered(portico)[0] == answered(portico, "sales")[0] == "neither"
    check_trail(portico)


def check_trail(running: Running) -> None:
    """Each pointer is where the trail's newest act on it says, and was moved by the newest that
    concerns it."""
    trail = running.ask("/admin/v1/audit?limit=1000").json["acts"]
    for name, (release, action, _) in pointers(running).items():
        assert next(act["after"] for act in trail if act["target"] == name) == release
        concerns = (act["action"] for act in trail if act["target"] in (name, ""))
        assert next(concerns) == action


@dataclass(frozen=True)
class State:
    """What is stored of the project: what its directory says, and each workload's pointer."""

    word: str
    served: tuple[str, str]
    """What the workloads `support` and `sales` serve, in the word of the prompt."""


@dataclass(frozen=True)
class Known:
    """What names mean in this run: learnt from the server itself."""

    releases: Mapping[tuple[str, str], str]
    """By workload and word."""
    digests: Mapping[str, str]
    """Of the directory, by word."""


@dataclass
class Client:
    """Applies and rolls back without end, and knows what is stored before and after each."""

    url: str
    known: Known
    state: State
    next: State
    """What the request under way leaves; `state` where there is none."""
    answered: int = 0
    busy: threading.Event = field(default_factory=threading.Event)
    """Set once the first request is answered, or nothing more will be."""
    refused: list[str] = field(default_factory=list)

    def work(self) -> None:
        place = urlsplit(self.url)
        assert place.hostname is not None
        connection = http.client.HTTPConnection(place.hostname, place.port, timeout=PATIENCE_S)
        headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
        try:
            for path, body, after in self._steps():
                self.next = after
                connection.request("POST", path, json.dumps(body), headers)
                reply = connection.getresponse()
                said = reply.read()
                if reply.status != 200:
                    self.refused.append(said.decode())
                    return
                self.state = self.next
                self.answered += 1
                self.busy.set()
        except (OSError, http.client.HTTPException):
            return
        finally:
            self.busy.set()
            connection.close()

    def _steps(self) -> Iterator[tuple[str, object, State]]:
        """An apply, three rollbacks, an apply of the other directory, …"""
        while True:
            word = OTHER[self.state.word]
            files = {**BASE, "prompts/support.md": PROMPT % word}
            yield "/admin/v1/apply", {"files": files}, State(word, (word, word))
            for place in (1, 0, 1):
                served = list(self.state.served)
                served[place] = OTHER[served[place]]
                name = NAMES[place]
                body = {"to": self.known.releases[name, served[place]], "why": "a drill"}
                after = State(self.state.word, (served[0], served[1]))
                yield f"/admin/v1/workloads/{name}/rollback", body, after


def stored(running: Running, known: Known) -> State:
    """What the server says after a start: everything of it is in the store."""
    words = {release: word for (_, word), release in known.releases.items()}
    of = {digest: word for word, digest in known.digests.items()}
    (project,) = running.ask("/admin/v1/status").json["projects"]
    served = [words[pointers(running)[name][0]] for name in NAMES]
    return State(of[project["digest"]], (served[0], served[1]))


def learnt(running: Running) -> Known:
    releases, digests = {}, {}
    for word in ("kind", "brief"):
        ship(running, {"prompts/support.md": PROMPT % word})
        digests[word] = running.ask("/admin/v1/status").json["projects"][0]["digest"]
        releases.update({(name, word): found[0] for name, found in pointers(running).items()})
    return Known(releases, digests)


def drill(running: Running, known: Known, state: State, wait_s: float) -> Client:
    """Kills the server while the client works: `wait_s` after its first answered request."""
    client = Client(running.url, known, state, state)
    worker = threading.Thread(target=client.work)
    worker.start()
    client.busy.wait(PATIENCE_S)
    threading.Event().wait(wait_s)
    running.stop(signal.SIGKILL)
    worker.join(PATIENCE_S)
    return client


def served_again(directory: Path) -> Running:
    running = start(directory, "up", environment=ENVIRONMENT)
    running.ready = {**running.ready, "admin_key": KEY}
    return running


def test_a_kill_amid_applies_and_rollbacks_leaves_the_state_before_or_after_one(
    tmp_path: Path,
) -> None:
    write(tmp_path, BASE)
    chance = random.Random(11)
    running = served_again(tmp_path)
    try:
        known = learnt(running)
        state, finished = stored(running, known), 0
        for _ in range(KILLS):
            client = drill(running, known, state, chance.uniform(0.0, 0.25))
            end(running)
            running = served_again(tmp_path)
            assert client.refused == []
            state = stored(running, known)
            assert state in (client.state, client.next)
            finished += client.answered
            check_trail(running)
            for name, word in zip(NAMES, state.served, strict=True):
                assert answered(running, name) == (word, known.releases[name, word])
    finally:
        end(running)
    assert finished > KILLS
