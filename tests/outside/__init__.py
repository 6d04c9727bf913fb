"""The product in processes of its own, seen over HTTP."""
