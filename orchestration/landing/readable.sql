-- How a text is read as each type; null when it is not one. DuckDB's own casts are wider: they
-- round 2.7 to 3 attendees, take 'infinity' for a time and drop a time zone without a word.
create or replace temp macro is_blank(value) as coalesce(trim(value) = '', true);
create or replace temp macro readable_varchar(value) as
    case when not is_blank(value) then value end;
create or replace temp macro readable_double(value) as
    case when isfinite(try_cast(value as double)) then try_cast(value as double) end;
create or replace temp macro readable_bigint(value) as
    case when regexp_full_match(value, '\s*[+-]?\d+(\.0*)?\s*')
        then try_cast(value as bigint) end;
create or replace temp macro readable_integer(value) as
    try_cast(readable_bigint(value) as integer);
create or replace temp macro readable_boolean(value) as try_cast(trim(value) as boolean);
create or replace temp macro readable_timestamp(value) as
    case when regexp_full_match(
        value, '\s*[1-9]\d{3}[-/]\d\d?[-/]\d\d?([ T]\d\d?:\d\d(:\d\d(\.\d*)?)?)?\s*'
    ) then try_cast(trim(value) as timestamp) end;
create or replace temp macro readable_date(value) as
    try_cast(readable_timestamp(value) as date);

-- A card number as a person or a spreadsheet may have written it: 13 to 19 digits with
-- spaces, dashes or dots between, perhaps as a float; the Luhn sum tells it from other numbers.
create or replace temp macro card_digits(value) as regexp_replace(
    regexp_replace(trim(value), '\.0+$', ''), '[\s\pZ\p{Pd}._/]', '', 'g'
);
create or replace temp macro luhn_sum(digits) as list_sum(list_transform(
    range(1, length(digits) + 1),
    lambda place: case
        when place % 2 = 1 then substr(digits, -place, 1)::int
        else substr(digits, -place, 1)::int * 2 % 10 + substr(digits, -place, 1)::int // 5
    end
));
create or replace temp macro is_card_number(value) as case
    when regexp_full_match(card_digits(value), '\d{13,19}')
        then luhn_sum(card_digits(value)) % 10 = 0
    else false
end;
