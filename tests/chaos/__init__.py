"""Real processes under random faults: `python -m tests.chaos --seed N --jobs N --database sqlite|postgres`."""
