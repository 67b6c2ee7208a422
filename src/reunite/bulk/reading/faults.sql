-- What was not taken, and why: value by value.

-- name: make_fault
create or replace table fault as
with flawed as (
  select judged.record, judged.wrong, judged.state, raw.*, raw.rowid is not null as found
  from raw join judged on judged.record = raw.rowid
  where judged.wrong <> 0 or judged.state = 'refused'
),
found as (
  select record, 1 as place, 'id' as col, id as value,
    case when id is null then 'has no id'
    else 'is no whole number from 1 to 4503599627370496' end as reason
  from flawed where wrong & 1 <> 0
  union all
  select record, 2, 'email', email, email_form.wrong
  from flawed join email_form on email_form.value = flawed.email
  where flawed.wrong & 2 <> 0
  union all
  select record, 3, 'phoneNumber', phone, phone_form.wrong
  from flawed join phone_form on phone_form.value = flawed.phone
  where flawed.wrong & 4 <> 0
  union all
  select record, 4, 'linkedId', linked, 'is no whole number from 1 to 4503599627370496'
  from flawed where wrong & 8 <> 0
  union all
  select record, 5, 'createdAt', created,
    'is no time; it was set to the time of the import'
  from flawed where wrong & 16 <> 0
  union all
  select record, 5, 'createdAt', created,
    'is in the future; it was set to the time of the import'
  from flawed where wrong & 32 <> 0
  union all
  select record, 6, col, value, reason from unread
),
nothing as (
  select record, 0 as place, '' as col, null as value,
    'has neither an email nor a phoneNumber' as reason
  from judged
  where state = 'refused' and email is null and phone is null
    and record not in (select record from found where col in ('email', 'phoneNumber', ''))
)
select
  span.source,
  coalesce(raw.line, judged.record - span.first + span.first_line) as line,
  judged.record,
  told.col,
  left(told.value, 1000) as value,
  told.reason,
  judged.state = 'refused' as refused
from (select * from found union all select * from nothing) as told
join judged on judged.record = told.record
join raw on raw.rowid = told.record
join span on judged.record >= span.first and judged.record < span.first + span.rows
order by told.record, told.place

-- name: fault_counts
select col, reason, count(*) from fault group by col, reason order by count(*) desc, col, reason

-- name: examples
select source, line, col, value, reason, refused from fault order by rowid limit $count

-- name: where_records_are
select span.source, coalesce(raw.line, raw.rowid - span.first + span.first_line)
from raw join span on raw.rowid >= span.first and raw.rowid < span.first + span.rows
where raw.rowid in (select unnest($records))
order by raw.rowid

-- The line of each record whose place in its source does not tell it.
-- name: keep_places
create or replace table place as
select rowid::bigint as record, line from raw where line is not null
