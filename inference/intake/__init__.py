"""The way of a study into the system: limits, limited child processes, parsing, storage, rows."""
