-- Of `kept_apart` (the standing constraints), `end_held` (their ends, as the store has them) and the
-- tables of planning.sql: which constraints an import would break.

-- name: ends
select a_type as type, a_key as key from kept_apart
union
select b_type, b_key from kept_apart
order by type, key

-- name: forbidden
with
  placed as (
    select first.type, first.key, home.identity_id
    from first
    join component on component.n = first.n
    join home on home.first = component.first
    where not first.blocked
    union
    select end_held.type, end_held.key, coalesce(merged.identity_id, end_held.identity_id)
    from end_held
    left join (select distinct grp, identity_id from grouped) as grouped using (identity_id)
    left join merged using (grp)
    where not end_held.blocked
  )
select distinct kept_apart.*
from kept_apart
join placed as a on a.type = kept_apart.a_type and a.key = kept_apart.a_key
join placed as b on b.type = kept_apart.b_type and b.key = kept_apart.b_key
where a.identity_id = b.identity_id
order by kept_apart.position, a_type, a_key, b_type, b_key
