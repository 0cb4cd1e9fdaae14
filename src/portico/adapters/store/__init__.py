"""The database of an embedded Portico: one SQLite file in the data directory."""
