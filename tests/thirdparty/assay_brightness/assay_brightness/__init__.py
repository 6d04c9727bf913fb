"""The brightness analysis."""

from assay_brightness.plugin import Analysis

plugin = Analysis()
