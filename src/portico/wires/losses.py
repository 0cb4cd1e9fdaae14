"""What a translation leaves out, by name, so that it is never silent."""

from collections.abc import Collection

from portico.contract.conversation import NOTHING, Extra


class Losses:
    """Notes what is dropped. `own`: the conversation came on this wire, so nothing is lost.

    `listed` holds the only names that may be dropped, where a wire keeps a table of them:
    dropping another is a defect and raises LookupError.
    """

    def __init__(self, own: bool, listed: Collection[str] | None = None) -> None:
        self.own = own
        self._listed = listed
        self._names: dict[str, None] = {}

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._names)

    def drop(self, name: str) -> None:
        if self._listed is not None and name not in self._listed:
            raise LookupError(name)
        self._names[name] = None

    def unknown(self, extra: Extra, within: str = "") -> Extra:
        """Unknown members if they belong to this wire; otherwise noted by their path."""
        if self.own or not extra:
            return extra
        for name in extra:
            self._names[within + name] = None
        return NOTHING
