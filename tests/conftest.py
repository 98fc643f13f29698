"""What all tests share: repeatable examples, and how they are spread over processes."""

import pytest
from hypothesis import settings

# The same examples everywhere, so that what passes here passes elsewhere; `--hypothesis-profile
# default` looks for new ones.
settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")

# What takes longest is begun first, or one process would be left with it in the end; Makefile keeps
# pytest from putting groups with many tests first.
_LONGEST = (
    "walks through the demo company",
    "runs of the demo company",
    "a warehouse without rows",
    "test_incremental_features.py",
    "test_brute_force.py",
)


# before xdist reads the marks
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep each file in one process, and those that need the same runs of the company.

    The tests that walk through the company in two runs need a full run too, which the other process
    makes meanwhile; those that do without come before.
    """
    places = {}
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        group = item.path.name
        if "walked" in fixtures:
            group = _LONGEST[0]
        elif "full" in fixtures or "landed" in fixtures:
            group = _LONGEST[1]
        elif "built_home" in fixtures:
            group = _LONGEST[2]
        item.add_marker(pytest.mark.xdist_group(group))
        place = _LONGEST.index(group) if group in _LONGEST else len(_LONGEST)
        places[item] = (place, group == _LONGEST[0] and "full" in fixtures)
    items.sort(key=lambda item: places[item])
