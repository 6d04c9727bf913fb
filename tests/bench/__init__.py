"""Speed and memory of the running product, as ratios within one run. A command, never a test: `make bench`."""
