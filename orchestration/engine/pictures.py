"""What all pictures share: their colours, their frame, and how they are drawn into files."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

OURS = "#c8553d"
OTHERS = "#8d99ae"
INK = "#2b2d42"


def draw(chart: Any, files: Iterable[Path], label_size: int = 12, padding: int = 20) -> None:
    """Put an Altair chart into its frame and draw it into .svg and .png files."""
    picture = (
        chart.configure_view(stroke=None)
        .configure_axis(
            labelColor=INK,
            titleColor=INK,
            labelFontSize=label_size,
            titleFontSize=label_size + 1,
            titleFontWeight="normal",
            gridColor="#e9e9ee",
            domainColor="#b5b8c5",
            tickColor="#b5b8c5",
        )
        .configure_header(labelColor=INK, labelFontSize=12)
        .configure_title(
            anchor="start",
            color=INK,
            fontSize=15,
            subtitleColor="#6b7085",
            subtitleFontSize=12,
            offset=14,
        )
        .properties(padding=padding, background="white")
    )
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        picture.save(str(file), scale_factor=2)
