"""A data directory as a whole: what opens it, what closes it, what lies in it."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
from tests.contract.noted import a_happening, a_transcript
from tests.contract.shipments import a_release, a_shipment

from portico.adapters.clock import SystemClock
from portico.adapters.journal.options import JournalOptions
from portico.adapters.notes.options import NotesOptions
from portico.adapters.store.data import Data, open_data
from portico.contract.errors import InvalidRequest


def opened(directory: Path) -> Data:
    return open_data(
        directory, journal=JournalOptions(), clock=SystemClock(), notes=NotesOptions(linger_s=0.0)
    )


def test_notes_that_wait_are_written_by_closing_and_read_by_the_next_start(tmp_path: Path) -> None:
    data = opened(tmp_path)
    data.notes.keep(a_transcript("call_1"))
    assert data.close()
    data = opened(tmp_path)
    assert data.store.transcript("call_1") == a_transcript("call_1")
    assert data.close()


def test_there_is_no_key_of_content_until_something_is_sealed(tmp_path: Path) -> None:
    data = opened(tmp_path)
    data.store.ship(a_shipment("d1", [a_release("rel_1")]))
    data.notes.keep(a_happening("observed:1"))
    asyncio.run(data.notes.flushed())
    assert len(data.store.happenings(9)) == 1
    assert not (tmp_path / "content.key").exists()
    data.notes.keep(a_transcript("call_1"))
    assert data.close()
    assert (tmp_path / "content.key").stat().st_size == 32


def test_a_directory_whose_notes_are_lost_can_be_opened_again_and_closing_says_so(
    tmp_path: Path,
) -> None:
    data = opened(tmp_path)
    asyncio.run(data.journal.committed())
    blocker = sqlite3.connect(tmp_path / "portico.db", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    data.notes.keep(a_happening("observed:1"))
    with pytest.raises(InvalidRequest, match="served by another process"):
        opened(tmp_path)
    assert not data.close(timeout_s=1.0)
    blocker.close()
    data = opened(tmp_path)
    assert list(data.store.happenings(9)) == []
    assert data.close()
