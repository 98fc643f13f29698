"""The demo company's files land like any other company's; its truth goes apart from them."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from orchestration.demo_company import DemoSummary, write_demo_company
from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home
from orchestration.landing.folder import place_folder


def land_demo(home: Home, **chosen: Any) -> tuple[DemoSummary, int]:
    """Land the demo company as chosen, its truth apart from it; also count the files that are new.

    It is never mixed with other files of the source, nor with a demo company chosen otherwise.
    """
    home.temporary.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=home.temporary, prefix="demo-") as folder:
        landing, truth = Path(folder, "landing"), Path(folder, "truth")
        try:
            summary = write_demo_company(landing, truth, **chosen)
        except ValueError as error:
            raise CardwatchError(f"the demo company cannot be made: {error}") from error
        sources = sorted(landing.iterdir())
        placed = sum(place_folder(source, home.landing / source.name) for source in sources)
        place_folder(truth, home.truth, replace=True)
    return summary, placed
