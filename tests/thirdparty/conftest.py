"""Strangers' packages bring their own tests, which run as theirs, not as ours."""

collect_ignore_glob = ["assay_*"]
