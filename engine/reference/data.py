"""All reference data that one process has."""

from engine.core.domain.reference import Lookup, Row
from engine.reference.databases import Databases
from engine.reference.recorded import RecordedTables
from engine.reference.tables import Tables


class References:
    """Databases and tables as one: what the engine asks when it enriches an event."""

    def __init__(self, databases: Databases, tables: Tables | RecordedTables) -> None:
        self.databases, self._tables = databases, tables

    def find(self, lookup: Lookup, key: str, at_ms: int) -> Row | None:
        """The row of a key. Of databases, and of tables that are followed, as it is known now."""
        return self.databases.find(lookup, key) if lookup.kind == "mmdb" else self._tables.find(lookup, key, at_ms)

    def version(self, source: str) -> str | None:
        """Of which day a database is."""
        return self.databases.version(source)
