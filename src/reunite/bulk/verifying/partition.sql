-- How the identities of a store differ from the components of its evidence. Of
-- placed(id, identity_id, root), asked only where they do.

-- The identity that most contacts of a component are in; and of the components of an identity one
-- that is usually there, or else the largest.
-- name: make_usual
create or replace table usual as
with
  pair as (
    select root, identity_id, count(*) as contacts from placed group by root, identity_id
  ),
  by_root as (
    select root, arg_max(identity_id, (contacts, -identity_id)) as identity_id
    from pair group by root
  ),
  by_identity as (
    select
      pair.identity_id,
      arg_max(root, (by_root.identity_id = pair.identity_id, contacts, -root)) as root
    from pair join by_root using (root)
    group by pair.identity_id
  )
select
  placed.id, placed.root, placed.identity_id,
  by_root.identity_id as usual_identity,
  by_identity.root as usual_root
from placed
join by_root on by_root.root = placed.root
join by_identity on by_identity.identity_id = placed.identity_id

-- name: contact_in_a_wrong_identity
select 'contact ' || id || ' is in identity ' || identity_id || ', its evidence is in '
  || usual_identity
from usual
where identity_id <> usual_identity and root <> usual_root
order by id

-- name: evidence_across_identities
select 'the evidence joins contacts ' || string_agg(first, ', ' order by first)
  || ', which are in the identities ' || string_agg(identity_id, ', ' order by first)
from (
  select root, identity_id, min(id) as first
  from usual
  where not (identity_id <> usual_identity and root <> usual_root)
  group by root, identity_id
)
group by root
having count(*) > 1
order by min(first)

-- name: identities_joined_without_evidence
select 'identity ' || identity_id || ' has the contacts ' || string_agg(first, ', ' order by first)
  || ', which nothing joins'
from (
  select root, identity_id, min(id) as first
  from usual
  where not (identity_id <> usual_identity and root <> usual_root)
  group by root, identity_id
)
group by identity_id
having count(*) > 1
order by min(first)
