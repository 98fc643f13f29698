"""Which rules an export switches off: every column that a rule needs has a known origin."""

from orchestration.adoption.missing_rules import needs_of, origins, switched_off
from orchestration.engine.home import project_root
from orchestration.landing.feeds import find_feed, read_feeds
from orchestration.settings.rules import read_rules


def canonical() -> set[str]:
    feed = find_feed(read_feeds(), "company", "card_transactions")
    return {column.name for column in feed.columns}


def test_what_a_rule_needs_is_a_canonical_column_or_has_an_origin() -> None:
    known = canonical() | set(origins())
    unknown = {need for rule in read_rules(project_root()) for need in needs_of(rule)} - known
    assert not unknown, f"add to column_origins.csv: {sorted(unknown)}"


def test_an_origin_is_a_canonical_column_a_feed_or_the_time_of_day() -> None:
    feeds = {f"feed {feed.feed}" for feed in read_feeds() if feed.source == "company"}
    known = canonical() | feeds | {"time of day"}
    named = {name for groups in origins().values() for group in groups for name in group}
    assert named <= known


def test_with_everything_no_rule_is_switched_off_and_with_nothing_most_are() -> None:
    feeds = {f"feed {feed.feed}" for feed in read_feeds() if feed.source == "company"}
    _, off, rules = switched_off(project_root(), canonical() | feeds | {"time of day"})
    assert off == 0
    groups, off, _ = switched_off(project_root(), set())
    assert rules / 2 < off < rules
    assert sum(len(group.rules) for group in groups) == off
