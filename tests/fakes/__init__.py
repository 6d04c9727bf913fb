"""Servers of other companies, rebuilt for tests and demos on this machine."""
