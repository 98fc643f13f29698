"""How the tests are shared out between processes: what shares an expensive fixture is together."""

import pytest


# before xdist reads the marks
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep each file in one process, and all tests of the demo company's runs, which go first."""
    for item in items:
        shares_runs = "landed" in getattr(item, "fixturenames", ())
        group = "runs of the demo company" if shares_runs else item.path.name
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: "landed" not in getattr(item, "fixturenames", ()))
