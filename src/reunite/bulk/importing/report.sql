-- What an import would do, told to whoever decides on it. Reads the tables of joining.sql and
-- planning.sql; the largest come first everywhere.

-- Identities of the store that become one, by how many contacts they have together.
-- name: merges
select
  (
    select list(standing.primary_id order by standing.created_at, standing.primary_id)
    from (select distinct grp, identity_id from grouped) as members
    join standing using (identity_id)
    where members.grp = merged.grp
  ) as primary_contact_ids,
  merged.contacts,
  merged.identifiers
from merged
where merged.identities > 1
order by merged.contacts desc, merged.identity_id
limit $limit

-- name: number_of_merges
select count(*) from merged where identities > 1

-- New identities with more than one row.
-- name: largest
select identity_id, identifiers, contacts
from size
where grp is null and contacts > 1
order by contacts desc, identity_id
limit $limit

-- Identifiers that look like nobody's own: on many rows with many others, or of a kind that people
-- fill in to get past a form.
-- name: suspects
with
  pair as (
    select 'phone' as type, ltrim(phone, '+') as key, email as other
    from aged where phone is not null
    union all
    select 'email', email, ltrim(phone, '+')
    from aged where email is not null
  ),
  busy as (
    select pair.type, pair.key, count(distinct pair.other) as others
    from pair join (select type, key from first where rows >= $many) using (type, key)
    group by pair.type, pair.key
  ),
  judged as (
    select
      first.type, first.key, first.rows, coalesce(busy.others, first.rows) as others,
      case
        when first.type = 'phone' and regexp_full_match(first.key, '(0+|1+|2+|3+|4+|5+|6+|7+|8+|9+)')
          and length(first.key) > 4 then 'one digit only'
        when first.type = 'phone' and (
          first.key in ('123456', '1234567', '12345678', '123456789', '1234567890', '0123456789')
        ) then 'digits in a row'
        when first.type = 'email' and regexp_matches(
          first.key,
          '^(test|tests|testing|none|no|na|noemail|no-?reply|null|asdf|qwerty|abc|xxx|fake|foo|dummy|unknown|email|mail|user|admin|nobody|donotreply|notprovided)[0-9]*@'
        ) then 'a placeholder''s name'
        when first.type = 'email' and regexp_matches(
          first.key, '@(test|example|none|fake|noemail|email|asdf|abc|invalid|localhost)[.]'
        ) then 'a placeholder''s domain'
        when busy.others >= $many then 'with many others'
      end as reason
    from first left join busy using (type, key)
    where not first.blocked and first.rows > 1
  )
select type, key as value, rows, others, reason
from judged
where reason is not null
order by others desc, rows desc, type, key
limit $limit

-- name: number_of_pointers
select
  count(*) as said,
  count(*) filter (target is not null and target <> n) as resolved,
  count(*) filter (target is null) as missing,
  (select count(*) from tie) as counted
from pointer

-- Where a linkedId joins rows that nothing else does.
-- name: unsupported
select aged.id as contact_id, tie.linked as linked_id, named.id as named_contact_id
from tie
join aged on aged.rowid = tie.n
left join aged as named on named.rowid = tie.target
order by tie.target is null desc, aged.id
limit $limit

-- Where identifiers join rows that the linkedIds keep apart: components that the source took for
-- several people.
-- name: make_apart
create or replace table apart as
select component.first
from component join said using (n)
group by component.first
having min(said.first) <> max(said.first)

-- name: divided
select any_value(aged.id) as primary_contact_id, count(distinct said.first) as people, count(*) as rows
from component
join said on said.n = component.n
join aged on aged.rowid = component.first
where component.first in (select first from apart)
group by component.first
order by count(distinct said.first) desc, component.first
limit $limit

-- name: number_of_divided
select count(*) from apart

-- name: number_refused_as_blocked
select count(*) from left_out where why = 'blocked'
