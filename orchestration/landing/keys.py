"""What names a row: its key in the words of the warehouse."""

from orchestration.landing.feeds import Feed

# The name that a landed file was sent under: a copy whose name was taken has a piece of its hash.
SENT_AS = "replace(_file, '-' || left(_file_hash, 8), '')"


def key_expression(feed: Feed, sent_as: str = SENT_AS) -> str:
    """SQL for the identifier of a row, the load column `_key`, from the feed's key columns.

    It is <source>:<key>, with the file's name (`sent_as` in SQL) before a key that holds within
    its file only; the key alone for a source whose identifiers are used as they are given. The
    macro key_of makes references alike.
    """
    parts = [f"coalesce(\"{name}\"::varchar, '')" for name in feed.key]
    if feed.key_holds == "file":
        parts.insert(0, sent_as)
    # a ":" within a part but the last would be taken for the end of the part
    parts[:-1] = [f"replace(replace({part}, '%', '%25'), ':', '%3A')" for part in parts[:-1]]
    if not feed.as_given:
        parts.insert(0, f"'{feed.source}'")
    return " || ':' || ".join(parts)
