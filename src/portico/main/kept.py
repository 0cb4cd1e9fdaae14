"""The last good snapshot, kept on disk beside the keys' hashes: what serves when the store's
projects do not compile any more."""

import logging
from pathlib import Path

import msgspec

from portico.contract.snapshot import Key, Snapshot
from portico.gateway.live import Live
from portico.main.private import write_private

log = logging.getLogger("portico")

SNAPSHOT = "snapshot.json"


class Boot(msgspec.Struct, frozen=True):
    snapshot: Snapshot
    keys: tuple[Key, ...]


class Kept:
    """The file. `local` is the key of this start, which is not kept."""

    def __init__(self, data: Path, local: Key) -> None:
        self._path = data / SNAPSHOT
        self._local = local.id

    def write(self, live: Live) -> None:
        keys = tuple(key for key in live.keys.values() if key.id != self._local)
        body = msgspec.json.encode(Boot(_serving(live.snapshot), keys))
        try:
            write_private(self._path, body)
        except OSError as error:
            log.error("%s could not be written: %s", SNAPSHOT, error.strerror)  # noqa: TRY400 - the old copy stays

    def read(self) -> Boot | None:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Boot)
        except (OSError, msgspec.DecodeError):
            return None


def _serving(snapshot: Snapshot) -> Snapshot:
    """With the releases that take traffic; those for pinning and rollback are the store's."""
    taking = {id_ for each in snapshot.workloads for id_ in (each.release, each.candidate)}
    kept = tuple(each for each in snapshot.releases if each.id in taking)
    return msgspec.structs.replace(snapshot, releases=kept)
