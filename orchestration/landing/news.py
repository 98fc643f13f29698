"""What a load says that raw did not hold: each row beside the last that was said of its key."""

from dataclasses import dataclass
from datetime import date

import duckdb

from orchestration.landing.feeds import RAW_SCHEMA, Feed


@dataclass(frozen=True)
class News:
    """What a load says that raw did not hold: rows by kind, and the days they are about.

    new: the key was never there; corrected: other content on the same day of the event; replaced:
    on another day; unchanged: word for word the same. The days leave out what is unchanged.
    """

    new: int = 0
    corrected: int = 0
    replaced: int = 0
    unchanged: int = 0
    first_day: date | None = None
    last_day: date | None = None


def content(feed: Feed) -> str:
    """SQL for what a row says, as a number of eight bytes."""
    columns = ", ".join(f'"{column.name}"' for column in feed.columns)
    return f"hash({columns})"


def compare(connection: duckdb.DuckDBPyConnection, feed: Feed) -> None:
    """Compare each row of temp.keyed with what was last said of its key, in raw or in the batch.

    Leaves temp.compared: load_id, line, kind, day, and the day_before that the key stood for.
    """
    raw = f'{RAW_SCHEMA}."{feed.table}"'
    connection.execute(f"""
        create or replace temp table earlier as
        select
            hash(_key) as key_hash,
            arg_max({content(feed)}, _load_id) as content,
            arg_max("{feed.event_column}"::date, _load_id) as day
        from {raw}
        where hash(_key) in (select key_hash from temp.keyed)
        group by key_hash;
        create or replace temp view compared as
        -- a key that the batch names once has no predecessor but in raw
        with once as (
            select
                keyed.*,
                earlier.content as content_before,
                earlier.day as day_before,
                earlier.key_hash is not null as was_there
            from temp.keyed left join temp.earlier using (key_hash)
            where keyed.key_hash not in (select key_hash from temp.again)
        ),
        several as (
            select
                *,
                lag(content) over by_key as content_before,
                lag(day) over by_key as day_before,
                row_number() over by_key > 1 as was_there
            from (
                from temp.keyed
                union all by name
                select 0 as load_id, 0 as line, * from temp.earlier
            ) as versions
            where key_hash in (select key_hash from temp.again)
            window by_key as (partition by key_hash order by load_id, line)
        )
        select
            load_id,
            line,
            day,
            day_before,
            case
                when not was_there then 'new'
                when content = content_before then 'unchanged'
                when day = day_before then 'corrected'
                else 'replaced'
            end as kind
        from (from once union all by name from several)
        where load_id > 0
    """)  # noqa: S608


def count_news(connection: duckdb.DuckDBPyConnection) -> dict[int, News]:
    """Count the rows of temp.compared by load and kind."""
    found = connection.execute("""
        select
            load_id,
            count(*) filter (where kind = 'new'),
            count(*) filter (where kind = 'corrected'),
            count(*) filter (where kind = 'replaced'),
            count(*) filter (where kind = 'unchanged'),
            min(day) filter (where kind <> 'unchanged'),
            max(day) filter (where kind <> 'unchanged')
        from temp.compared
        group by load_id
    """).fetchall()
    return {load_id: News(*figures) for load_id, *figures in found}
