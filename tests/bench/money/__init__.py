"""The parts of billing's bench; `tests.bench.billing` gives each a process and a database."""
