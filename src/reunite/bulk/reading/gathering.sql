-- The rows of all sources as text.

-- raw: line is null where it follows from the record. unread: what could not even be read as text.
-- name: begin
set timezone = 'UTC';
-- Compressing what lives for seconds costs more than half of the time of writing it.
set force_compression = 'uncompressed';

-- A cell without the blanks, tabs and line ends around it; trim alone strips blanks only, and the
-- way of those that have more costs three times as much.
create or replace macro stripped(cell) as
  case
    when contains(cell, chr(9)) or contains(cell, chr(10)) or contains(cell, chr(13))
      then regexp_replace(cell, '^[\t\r\n\p{Zs}]+|[\t\r\n\p{Zs}]+$', '', 'g')
    else trim(cell)
  end;

-- What a cell says, of whichever kind of source; null if that is no value at all.
create or replace macro value_of(cell) as
  case when stripped(cell) not in ('', '\N', 'NULL', 'null') then stripped(cell) end;

create or replace table raw (
  line bigint,
  is_broken boolean,
  id varchar,
  email varchar,
  phone varchar,
  linked varchar,
  created varchar,
  deleted varchar
);
create or replace table span (source varchar, first bigint, rows bigint, first_line bigint);
create or replace table unread (
  record bigint,
  col varchar,
  value varchar,
  reason varchar,
  refused boolean
);

-- name: empty_rows
select rowid from raw where rowid >= $first and email is null and phone is null limit 1

-- Where all phones of a source end in .0, they went through a table that took them for fractions.
-- name: drop_fractions_of_phones
update raw set phone = left(phone, -2)
where rowid >= $first
  and (
    select count(*) > 0 and count(*) = count(*) filter (regexp_full_match(phone, '\+?[0-9]+\.0'))
    from raw
    where rowid >= $first and phone is not null
  )
