-- Which rows are one person, by what they share and by their linkedIds. Of `taken`, `left_out` and
-- `blocked` these make: aged, first, pointer, tie, component.

-- The rows by age: the number of a row, from 0, is its rowid. Those that have nothing but blocked
-- identifiers stay out.
-- name: make_aged
create or replace table aged as
select
  taken.*,
  email_block.key is not null as email_blocked,
  phone_block.key is not null as phone_blocked
from taken
left join blocked as email_block on email_block.type = 'email' and email_block.key = taken.email
left join blocked as phone_block
  on phone_block.type = 'phone' and phone_block.key = ltrim(taken.phone, '+')
where (taken.email is not null and email_block.key is null)
  or (taken.phone is not null and phone_block.key is null)
order by taken.created_at, taken.id, taken.record

-- name: make_aged_where_nothing_is_blocked
create or replace table aged as
select *, false as email_blocked, false as phone_blocked
from taken
order by created_at, id, record

-- What an earlier joining refused, by other blocks than those of now.
-- name: forget_refused
delete from fault where record in (select record from left_out where why = 'blocked')
  and reason = 'is blocked, and the row has nothing that is not'

-- name: take_back_refused
delete from left_out where why = 'blocked'

-- Those are refused, and told; lines are where the reader left them (faults.sql).
-- name: note_refused
insert into fault
select
  span.source,
  coalesce(place.line, taken.record - span.first + span.first_line),
  taken.record,
  case when taken.email is null then 'phoneNumber' else 'email' end,
  coalesce(taken.email, taken.phone),
  'is blocked, and the row has nothing that is not',
  true
from taken
left join place on place.record = taken.record
join span on taken.record >= span.first and taken.record < span.first + span.rows
where taken.record not in (select record from aged)
  and taken.record not in (select record from left_out)
order by taken.record

-- name: leave_out_refused
insert into left_out
select id, source_id, record, 'blocked'
from taken
where record not in (select record from aged) and record not in (select record from left_out)

-- Each identifier, the oldest row that has it, and how many have it.
-- name: make_first
create or replace table first as
select type, key, min(n)::integer as n, count(*) as rows, bool_or(blocked) as blocked
from (
  select 'email' as type, email as key, rowid as n, email_blocked as blocked
  from aged where email is not null
  union all
  select 'phone', ltrim(phone, '+'), rowid, phone_blocked
  from aged where phone is not null
)
group by type, key

-- From a row to the oldest row of each of its identifiers.
-- name: edges
select aged.rowid::integer as a, first.n as b, first.blocked
from aged join first on first.type = 'email' and first.key = aged.email
where first.rows > 1 and first.n <> aged.rowid
union all
select aged.rowid::integer, first.n, first.blocked
from aged join first on first.type = 'phone' and first.key = ltrim(aged.phone, '+')
where first.rows > 1 and first.n <> aged.rowid

-- Each linkedId, the row it names, or the number of a silent node where that was not taken. Where ids
-- are kept they are one space; old ids are those of their own source, and of several rows with the
-- same one the oldest is meant.
-- name: make_pointer
create or replace table pointer as
select
  said.rowid::integer as n,
  said.linked,
  named.rowid::integer as target,
  case when named.rowid is null then said.linked end as missing
from aged as said
left join aged as named on named.id = try_cast(said.linked as bigint)
where said.linked is not null

-- name: make_pointer_by_old_ids
create or replace table pointer as
with
  placed as (
    select aged.rowid as n, aged.source_id, aged.linked, span.rowid as source
    from aged join span
      on aged.record >= span.first and aged.record < span.first + span.rows
    where aged.source_id is not null or aged.linked is not null
  ),
  old as (
    select source, source_id, min(n) as n
    from placed where source_id is not null
    group by source, source_id
  )
select
  said.n::integer as n,
  said.linked,
  old.n::integer as target,
  case when old.n is null then
    case when (select count(*) from span) > 1 then (said.source + 1) || '/' else '' end
      || said.linked
  end as missing
from placed as said
left join old on old.source = said.source and old.source_id = said.linked
where said.linked is not null

-- name: pointers
select
  n,
  coalesce(target, -1)::integer as target,
  (dense_rank() over (order by missing) - 1)::integer as silent
from pointer
order by n
