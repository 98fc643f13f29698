-- How a text is read as each type; null when it is not one. DuckDB's own casts are wider: they
-- round 2.7 to 3 attendees, take 'infinity' for a time and drop a time zone without a word.
-- Each begins with the cheapest look at the common spelling; only what fails it costs more.

-- Text: one kind of blank, composed letters, nothing that cannot be seen.
create or replace temp macro cleaned(value) as trim(nfc_normalize(regexp_replace(
    regexp_replace(value, '[\s\pZ\x{2800}\x{3164}\x{FFA0}]', ' ', 'g'),
    '[\p{Cc}\p{Cf}\x{034F}]', '', 'g'
)));
create or replace temp macro readable_text(value) as case
    when value = '' then null
    when regexp_full_match(value, '[!-~]([ -~]*[!-~])?') then value
    else nullif(cleaned(value), '')
end;
create or replace temp macro is_blank(value) as readable_text(value) is null;

-- Numbers: `plain` is what can be cast as it stands, `whole` a number whose signs all separate
-- thousands, `broken` one whose last sign is the decimal one (values.py makes them of a format).
create or replace temp macro bare_number(value) as regexp_replace(
    regexp_replace(
        translate(upper(value), '０１２３４５６７８９．，－＋（）￥−–’_', '0123456789.,-+()¥--''X'),
        '(\d)[\s\pZ''](\d)', '\1_\2', 'g'
    ),
    '[\s\pZ\p{Cf}\p{Sc}원円]|KRW|USD|EUR|GBP|JPY|CNY|AUD|CAD|CHF|SEK|NOK|DKK|INR|SGD|HKD', '', 'g'
);
-- (12.50), 12.50-, 12.50CR and the triangles of Korean and Japanese ledgers are below zero
create or replace temp macro signed_number(value) as regexp_replace(
    regexp_replace(
        regexp_replace(bare_number(value), '^\(([^()]+)\)$|^[△▲](.+)$', '-\1\2'),
        '^([^-+].*?)(?:-|CR)$', '-\1'
    ),
    '^\+|\+$|DR$', ''
);
create or replace temp macro readable_number(value, plain, whole, broken) as case
    when regexp_full_match(value, plain) then value
    else list_transform([signed_number(value)], lambda number: case
        when regexp_full_match(number, whole) then regexp_replace(number, '[.,_]', '', 'g')
        when regexp_full_match(number, broken)
            then replace(
                regexp_replace(
                    regexp_replace(number, '[.,](\d+)$', 'p\1'), '[.,_]', '', 'g'
                ), 'p', '.'
            )
    end)[1]
end;
create or replace temp macro readable_double(value, plain, whole, broken) as coalesce(
    try_cast(readable_number(value, plain, whole, broken) as double),
    case
        when regexp_full_match(value, '\s*[+-]?\d+(\.\d*)?[eE][+-]?\d+\s*')
            and isfinite(try_cast(value as double))
            then try_cast(value as double)
    end
);
-- Money: exactly what is written, or nothing. A cast alone would round 0.12345 away; what a
-- spreadsheet left of a double, 12.340000000000001, is the amount that it stands for.
create or replace temp macro exact_amount(number) as case
    when regexp_full_match(number, '[+-]?\d*(\.\d{0,4}0*)?')
        then try_cast(number as decimal(18, 4))
    when abs(try_cast(number as double) - round(try_cast(number as double), 4))
        <= 1e-9 + 1e-15 * abs(try_cast(number as double))
        -- above, a double has no four decimals; below, it would become nothing
        and abs(try_cast(number as double)) < 1e11
        and (round(try_cast(number as double), 4) <> 0 or try_cast(number as double) = 0)
        then try_cast(round(try_cast(number as double), 4) as decimal(18, 4))
end;
create or replace temp macro readable_integer(value, plain, whole, broken) as try_cast(
    regexp_extract(
        readable_number(value, plain, whole, broken), '^([+-]?\d+)(\.0*)?$', 1
    ) as bigint
);
create or replace temp macro readable_boolean(value) as case
    when lower(cleaned(value)) in ('true', 't', 'yes', 'y', '1', '예', '네') then true
    when lower(cleaned(value)) in ('false', 'f', 'no', 'n', '0', '아니오', '아니요') then false
end;

-- Times: whatever the spelling, it becomes year-month-day with the time behind. `short` and `long`
-- are the declared order of a date with two and with four digits of the year, as pattern and
-- replacement (values.py).
create or replace temp macro spelled_time(value) as regexp_replace(
    regexp_replace(
        regexp_replace(
            upper(cleaned(translate(value, '０１２３４５６７８９：', '0123456789:'))),
            '^(\d{4}) ?년 ?(\d\d?) ?월 ?(\d\d?) ?일', '\1-\2-\3'
        ),
        '^(\d{4})(\d\d)(\d\d)(?:[T ]?(\d\d):?(\d\d):?(\d\d))?$', '\1-\2-\3 \4:\5:\6'
    ),
    ' ::$', ''
);
create or replace temp macro ordered_time(value, short, shorts, long, longs) as regexp_replace(
    regexp_replace(regexp_replace(spelled_time(value), short, shorts), long, longs),
    '^(\d{4})[-/.] ?(\d\d?)[-/.] ?(\d\d?)\.?', '\1-\2-\3'
);
create or replace temp macro half_day_time(spelled) as try_strptime(
    regexp_replace(
        replace(replace(spelled, '오전', 'AM'), '오후', 'PM'),
        '^(\S+) (?:([AP]M) ?([\d:]+)|([\d:]+) ?([AP]M))$', '\1 \3\4 \2\5'
    ),
    ['%Y-%m-%d %I:%M:%S %p', '%Y-%m-%d %I:%M %p']
);
create or replace temp macro named_month_time(spelled) as try_strptime(
    regexp_replace(spelled, '[-/., ]+', ' ', 'g'),
    [
        '%d %b %Y', '%d %b %Y %H:%M:%S', '%d %b %Y %H:%M', '%b %d %Y', '%b %d %Y %H:%M:%S',
        '%b %d %Y %H:%M', '%d %B %Y', '%d %B %Y %H:%M', '%B %d %Y', '%B %d %Y %H:%M'
    ]
);
create or replace temp macro readable_timestamp(value, short, shorts, long, longs) as case
    when value like '2___-__-__ __:__:__' or value like '2___-__-__'
        then try_cast(value as timestamp)
    else list_transform([ordered_time(value, short, shorts, long, longs)], lambda spelled: case
        when regexp_full_match(
            spelled, '[1-9]\d{3}-\d\d?-\d\d?([ T]\d\d?:\d\d(:\d\d(\.\d*)?)?)?'
        ) then try_cast(spelled as timestamp)
        when regexp_matches(spelled, '[AP]M$|오[전후]') then half_day_time(spelled)
        -- strptime takes infinity and epoch for times, whatever the pattern
        when regexp_matches(spelled, '\b\d{4}\b') then named_month_time(spelled)
    end)[1]
end;
create or replace temp macro patterned_timestamp(value, pattern) as case
    when value like '2___-__-__ __:__:__' or value like '2___-__-__'
        then try_cast(value as timestamp)
    when regexp_matches(value, '\d') then try_strptime(cleaned(value), pattern)
end;
create or replace temp macro holds_time(value) as case
    when value like '%:%' then true
    when strlen(value) <= 10 then false
    else regexp_full_match(value, '\s*\d{8}[T ]?\d{6}\s*')
end;
-- a date and the time from a column of its own, as one text
create or replace temp macro time_of_day(value) as regexp_replace(
    regexp_replace(cleaned(value), '^1(?:899|900)-\d\d-\d\d[T ]', ''),
    '^(\d\d)(\d\d)(\d\d)?$', '\1:\2:\3'
);
create or replace temp macro patterned_time_of_day(value, pattern) as coalesce(
    strftime(
        try_strptime(
            -- a spreadsheet drops the zero of 093005
            case
                when pattern <> '%H%M%S' then cleaned(value)
                when not is_blank(value) then lpad(cleaned(value), 6, '0')
            end,
            pattern
        ),
        '%H:%M:%S'
    ),
    value
);
create or replace temp macro joined_time(day, of_day) as case
    when is_blank(of_day) then day
    else regexp_replace(day, '[ T]0?0:00(:00)?$', '') || ' ' || regexp_replace(of_day, ':$', '')
end;

-- Codes: as a table of spellings (codes.sql) knows them; a category code may have lost its zero.
create or replace temp macro code_key(value) as case
    when regexp_full_match(value, '[A-Z]{2,3}') then value
    else regexp_replace(
        regexp_replace(upper(cleaned(value)), '[ _./()-]+', '', 'g'), '^0+(\d)', '\1'
    )
end;
create or replace temp macro readable_mcc(value) as case
    when regexp_full_match(value, '\d{4}') then value
    else lpad(nullif(regexp_extract(cleaned(value), '^(\d{3,4})(\.0+)?$', 1), ''), 4, '0')
end;

-- Card numbers: a cheap look says which texts have digits enough; card_numbers.py looks at those.
create or replace temp macro may_hold_card_number(value) as
    strlen(value) > 12 and regexp_matches(value, getvariable('may_hold_card_number'));
create or replace temp macro readable_words(value, tokens) as case
    when may_hold_card_number(value) then without_card_numbers(readable_text(value), tokens)
    else readable_text(value)
end;
create or replace temp macro holds_card_number(value, tokens) as case
    when may_hold_card_number(value)
        then without_card_numbers(readable_text(value), tokens) <> readable_text(value)
    else false
end;
-- In a column of cards any long number that passes the Luhn sum is one, whoever issued it.
create or replace temp macro is_card_number(value, tokens) as case
    when may_hold_card_number(value) then names_card(readable_text(value), tokens)
    else false
end;
create or replace temp macro readable_card(value, tokens) as case
    when is_card_number(value, tokens) then card_token(readable_text(value))
    else readable_text(value)
end;
-- The same of a text as it stands in its file, in which a masked number is in clear no more.
create or replace temp macro shows_card_number(value, tokens) as case
    when may_hold_card_number(value)
        then without_card_numbers(replace(value, '~', ''), tokens) <> replace(value, '~', '')
    else false
end;
