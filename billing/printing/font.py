"""The font of all papers: ours, so that they look the same on every machine, in Chinese too."""

from __future__ import annotations

from pathlib import Path

FONT = Path(__file__).parent / "fonts" / "NotoSansCJKsc-Regular-subset.otf"
