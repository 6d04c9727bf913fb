"""Rows to JSON, one function a resource: what clients are promised, spelled out."""
