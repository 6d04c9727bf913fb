"""The analyses: one folder per plugin, all alike. The contract is in `base`."""
