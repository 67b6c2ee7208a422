-- The rows of `raw` in normal form. What SQL surely knows is told here; of all else (`odd_…`)
-- Python makes the tables email_form and phone_form, so that the two are one function.

-- Plain are e-mails of which lower case is the whole normal form. Of a phone this is the normal
-- form if it is made of ASCII digits and the usual formatting, or else null.
-- name: begin
create or replace macro is_plain_email(value) as
  length(value) <= 254 and regexp_full_match(value, '[!-?A-~]+@[!-\-/-?A-~]+(?:\.[!-\-/-?A-~]+)+');

create or replace macro phone_if_so(value) as
  case when regexp_full_match(value, '\+?[0-9]{1,32}(?:x[0-9]{1,32})?') then value end;

create or replace macro plain_phone(value) as
  case
    when regexp_full_match(value, '\+?[0-9]{1,32}') then value
    when length(value) <= 1000 and regexp_full_match(value, '[0-9+xXeEtT#./()\[\]{} \t-]+')
      then phone_if_so(
        regexp_replace(regexp_replace(lower(value), '[^0-9+xet#]', '', 'g'), 'ext|#', 'x')
      )
  end;

-- A whole number as text, of which fractions without any are one.
create or replace macro without_fraction(value) as
  case
    when regexp_full_match(value, '[+-]?[0-9]+\.0+') then split_part(value, '.', 1)
    else value
  end;

-- Ids are whole numbers from 1 to 2^52.
create or replace macro id_of(value) as
  case
    when regexp_full_match(value, '[1-9][0-9]{0,14}') then value::bigint
    when regexp_full_match(without_fraction(value), '\+?[0-9]{1,100}')
      and try_cast(without_fraction(value) as hugeint) between 1 and 4503599627370496
    then without_fraction(value)::bigint
  end;

-- Whole numbers are seconds, milliseconds, or microseconds since 1970, as they are large.
create or replace macro microseconds_of(number) as
  case
    when abs(number) < 100000000000 then number * 1000000
    when abs(number) < 100000000000000 then number * 1000
    else number
  end;

-- A time as the cast takes it: with a point for a comma, and its zone a number right after it.
create or replace macro plain_time(value) as
  regexp_replace(
    replace(replace(replace(upper(value), ',', '.'), ' +', '+'), ' -', '-'),
    ' ?(?:UTC|GMT|Z)$',
    '+00'
  );

create or replace macro odd_time_of(value) as
  case
    when regexp_full_match(
      upper(value),
      '[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?'
      || '(?: ?(?:Z|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?))?)?'
    )
      then epoch_us(try_cast(plain_time(value) as timestamptz))
    when regexp_full_match(value, '-?[0-9]{1,17}(?:\.0+)?')
      then microseconds_of(without_fraction(value)::bigint)
    when regexp_full_match(
      value, '[A-Z][a-z]{2} [A-Z][a-z]{2} [0-9]{2} [0-9]{4} [0-9:]{8} GMT[+-][0-9]{4}(?: \(.*\))?'
    )
      then epoch_us(try_strptime(substr(value, 5, 29), '%b %d %Y %H:%M:%S GMT%z'))
  end;

-- Microseconds since 1970, of the years 1 to 9999; null if it is no such time.
create or replace macro of_the_years(microseconds) as
  case
    when microseconds between -62135596800000000 and 253402300799999999 then microseconds
  end;

create or replace macro time_of(value) as
  of_the_years(
    case
      when regexp_full_match(
        value, '[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?Z?'
      )
        then epoch_us(try_cast(value as timestamp))
      else odd_time_of(value)
    end
  );

create or replace table email_form (value varchar, form varchar, wrong varchar);
create or replace table phone_form (value varchar, form varchar, wrong varchar);

-- name: odd_emails
select distinct email as value from raw where email is not null and not is_plain_email(email)

-- name: odd_phones
select distinct phone as value from raw where phone is not null and plain_phone(phone) is null

-- What became of each row. wrong: the sum of 1 id, 2 email, 4 phone, 8 linkedId, 16 createdAt is no
-- time, 32 createdAt is in the future.
-- name: make_judged
create or replace table judged as
with formed as (
  select
    raw.rowid as record,
    is_broken,
    id_of(id) as number,
    id is not null as has_id,
    case when $renumber then without_fraction(id) end as source_id,
    case when is_plain_email(email) then lower(email) else email_form.form end as email,
    email_form.wrong is not null as email_wrong,
    coalesce(plain_phone(phone), phone_form.form) as phone,
    phone_form.wrong is not null as phone_wrong,
    linked is not null as has_linked,
    case when $renumber then without_fraction(linked) else id_of(linked)::varchar end as linked,
    created is not null as has_created,
    time_of(created) as created_at,
    deleted is not null
      and lower(deleted) not in ('false', 'f', '0', 'no', 'n', 'off') as is_deleted
  from raw
  left join email_form on email_form.value = raw.email
  left join phone_form on phone_form.value = raw.phone
)
select
  record,
  number as id,
  source_id,
  case when created_at <= $at then created_at else $at end as created_at,
  email,
  phone,
  linked,
  case
    when is_deleted then 'deleted'
    when is_broken or (not $renumber and number is null) or (email is null and phone is null)
      then 'refused'
    else 'taken'
  end as state,
  case
    when is_deleted or is_broken then 0
    else
      (not $renumber and number is null)::integer
      + email_wrong::integer * 2
      + phone_wrong::integer * 4
      + (has_linked and linked is null)::integer * 8
      + (has_created and created_at is null)::integer * 16
      + coalesce(created_at > $at, false)::integer * 32
  end as wrong
from formed

-- name: distinct_phones
select distinct phone as value from judged where phone is not null

-- name: make_judged_with_region
create or replace table judged_anew as
select judged.* replace (coalesce(regional.form, judged.phone) as phone)
from judged left join regional on regional.value = judged.phone;
drop table judged;
alter table judged_anew rename to judged;

-- name: make_taken
create or replace view taken as
select
  case when not $renumber then id end as id,
  created_at,
  email,
  phone,
  linked,
  case when $renumber then source_id end as source_id,
  record
from judged
where state = 'taken'

-- name: make_left_out
create or replace table left_out as
select
  case when not $renumber then id end as id,
  case when $renumber then source_id end as source_id,
  record,
  state as why
from judged
where state <> 'taken'

-- name: counts
select
  count(*),
  count(*) filter (state = 'taken'),
  count(*) filter (state = 'deleted'),
  count(*) filter (state = 'refused'),
  count(id)
from judged

-- name: duplicates
select id, count(*), min(record), max(record)
from judged
where id is not null
group by id
having count(*) > 1
order by min(record)
