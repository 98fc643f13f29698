"""How the tests are shared out between processes: what shares an expensive fixture is together."""

import pytest


# before xdist reads the marks
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep each file in one process, and those that need the same runs of the company.

    The tests that walk through the company in two runs need a full run too; they make one of their
    own, or a single process would have most of the work.
    """
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        group = item.path.name
        if "walked" in fixtures:
            group = "walks through the demo company"
        elif "landed" in fixtures:
            group = "runs of the demo company"
        elif "built_home" in fixtures:
            group = "a warehouse without rows"
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: "landed" not in getattr(item, "fixturenames", ()))
