-- What must hold of decisions by hand and of what stands because of them, as in verifying.sql. Of
-- undone(position, voided): the operations that do not stand, and what took each back.

-- name: voided_otherwise
with
  named as (
    select
      target, target_position, contact_id, a_type, a_key, b_type, b_key,
      a_contact_id, b_contact_id, max(position) as position
    from void
    where target <> 'operation' and position not in (select position from undone)
    group by all
  ),
  due as (
    select 'contact ' || contact.id as what, contact.voided as said,
      greatest(named.position, undone.voided) as voided
    from contact
    left join named on named.target = 'contact'
      and named.target_position = contact.position and named.contact_id = contact.id
    left join undone on undone.position = contact.position
    union all
    select 'the ' || link.source || ' link of position ' || link.position || ' between '
      || link.a_type || ' ' || link.a_key || ' and ' || link.b_type || ' ' || link.b_key,
      link.voided, greatest(named.position, undone.voided)
    from link
    left join named on named.target = 'link' and named.target_position = link.position
      and named.a_type = link.a_type and named.a_key = link.a_key
      and named.b_type = link.b_type and named.b_key = link.b_key
      and named.a_contact_id = link.a_contact_id and named.b_contact_id = link.b_contact_id
    left join undone on undone.position = link.position
    union all
    select 'the constraint of position ' || kept.position || ' between ' || kept.a_type || ' '
      || kept.a_key || ' and ' || kept.b_type || ' ' || kept.b_key,
      kept.voided, greatest(named.position, undone.voided)
    from identity_constraint as kept
    left join named on named.target = 'constraint' and named.target_position = kept.position
      and named.a_type = kept.a_type and named.a_key = kept.a_key
      and named.b_type = kept.b_type and named.b_key = kept.b_key
    left join undone on undone.position = kept.position
    union all
    select 'the block of position ' || block.position || ' of ' || block.type || ' ' || block.key,
      block.voided, greatest(named.position, undone.voided)
    from block
    left join named on named.target = 'block' and named.target_position = block.position
      and named.a_type = block.type and named.a_key = block.key
    left join undone on undone.position = block.position
    union all
    select 'held request ' || held.id, held.voided, named.position
    from held
    left join named on named.target = 'held' and named.target_position = held.id
    union all
    select 'a void of position ' || void.position, void.voided, undone.voided
    from void left join undone on undone.position = void.position
  )
select what || ' is ' || coalesce('voided by position ' || said, 'not voided') || ', and should be '
  || coalesce('by ' || voided, 'standing')
from due
where said is distinct from voided

-- name: void_without_its_position
select 'a void of position ' || void.position || ' names a' || if(target = 'operation', 'n ', ' ')
  || target || coalesce(', the position is ' || journal.type, ', the journal has no such position')
from void left join journal on journal.position = void.position
where not coalesce(case journal.type
  when 'unlinked' then target in ('contact', 'link')
  when 'unconstrained' then target = 'constraint'
  when 'unblocked' then target = 'block'
  when 'dismissed' then target = 'held'
  when 'allowed' then target in ('held', 'constraint')
  when 'undone' then target = 'operation'
  else false
end, false)

-- name: void_of_a_stranger
with
  known as (
    select 'operation' as target, position as target_position, 0 as contact_id,
      '' as a_type, '' as a_key, '' as b_type, '' as b_key, 0 as a_contact_id, 0 as b_contact_id
    from journal where position in (select target_position from void)
    union all
    select 'contact', position, id, '', '', '', '', 0, 0
    from contact where id in (select contact_id from void)
    union all
    select 'link', position, 0, a_type, a_key, b_type, b_key, a_contact_id, b_contact_id
    from link where position in (select target_position from void)
    union all
    select 'constraint', position, 0, a_type, a_key, b_type, b_key, 0, 0 from identity_constraint
    union all
    select 'block', position, 0, type, key, '', '', 0, 0 from block
    union all
    select 'held', id, 0, '', '', '', '', 0, 0 from held
  )
select 'a void of position ' || void.position || ' names the ' || target || ' of '
  || if(target = 'held', 'id ', 'position ') || target_position || ', which is not there'
from void anti join known using (
  target, target_position, contact_id, a_type, a_key, b_type, b_key, a_contact_id, b_contact_id
)

-- name: position_without_its_decision
with
  by_hand as (
    select position, type from journal
    where type not in ('created', 'extended', 'merged', 'linked', 'imported')
  ),
  brought as (
    select position, target as what from void
    union all
    select position, 'brought ' || source || ' evidence' from link
    where position in (select position from by_hand)
    union all
    select position, 'brought ' || source || ' evidence' from contact
    where source = 'presented' and position in (select position from by_hand)
    union all
    select position, 'brought constraint' from identity_constraint
    union all
    select position, 'brought block' from block
  ),
  counted as (
    select
      by_hand.position, any_value(by_hand.type) as type,
      count(*) filter (where what = 'operation') as operations,
      count(*) filter (where what in ('contact', 'link')) as pieces,
      count(*) filter (where what = 'constraint') as constraints,
      count(*) filter (where what = 'block') as blocks,
      count(*) filter (where what = 'held') as held,
      count(*) filter (where what = 'brought presented evidence') as presented,
      count(*) filter (where what = 'brought asserted evidence') as asserted,
      count(*) filter (where what = 'brought constraint') as kept_apart,
      count(*) filter (where what = 'brought block') as blocked
    from by_hand left join brought using (position)
    group by by_hand.position
  )
select 'position ' || position || ' (' || type || ') did not leave what it should'
from counted
where not coalesce(case type
  when 'undone' then operations = 1
  when 'unlinked' then pieces > 0
  when 'asserted' then asserted = 1
  when 'constrained' then kept_apart = 1
  when 'unconstrained' then constraints > 0
  when 'blocked' then blocked = 1
  when 'unblocked' then blocks > 0
  when 'dismissed' then held = 1
  when 'allowed' then held = 1 and presented = 1
  else false
end, false)
order by position

-- name: constraint_without_its_position
select 'the constraint of position ' || kept.position || ' between ' || a_type || ' ' || a_key
  || ' and ' || b_type || ' ' || b_key
  || coalesce(': that is ' || journal.type, ': the journal has no such position')
from identity_constraint as kept left join journal on journal.position = kept.position
where not coalesce(journal.type in ('constrained', 'unlinked'), false)

-- name: constraint_broken
select 'the constraint of position ' || kept.position || ' keeps ' || kept.a_type || ' '
  || kept.a_key || ' and ' || kept.b_type || ' ' || kept.b_key || ' apart, both are in identity '
  || a.identity_id
from identity_constraint as kept
join node as a_node on a_node.type = kept.a_type and a_node.key = kept.a_key
join node as b_node on b_node.type = kept.b_type and b_node.key = kept.b_key
join contact as a on a.id = a_node.contact_id
join contact as b on b.id = b_node.contact_id
where kept.voided is null and a.identity_id = b.identity_id
  and a_node.blocked_by is null and b_node.blocked_by is null

-- name: block_without_its_position
select 'the block of position ' || block.position || ' of ' || block.type || ' ' || block.key
  || coalesce(': that is ' || journal.type, ': the journal has no such position')
from block left join journal on journal.position = block.position
where not coalesce(journal.type in ('imported', 'blocked'), false)

-- name: blocked_otherwise
select coalesce(node.type, latest.type) || ' ' || coalesce(node.key, latest.key) || ' is '
  || coalesce('blocked by position ' || node.blocked_by, 'not blocked')
  || ', the latest block that stands is '
  || coalesce('of position ' || latest.position, 'none')
from (select type, key, blocked_by from node where blocked_by is not null) as node
full join (
  select type, key, max(position) as position from block where voided is null group by type, key
) as latest on latest.type = node.type and latest.key = node.key
where node.blocked_by is distinct from latest.position

-- name: held_for_no_constraint
select 'held request ' || held.id || ' waits because of the constraint of position '
  || held.constraint_position || ', which is not there'
from held left join identity_constraint as kept
  on kept.position = held.constraint_position
  and kept.a_type = held.a_type and kept.a_key = held.a_key
  and kept.b_type = held.b_type and kept.b_key = held.b_key
where held.reason = 'constraint' and kept.position is null

-- name: held_twice
select 'held requests ' || string_agg(id::varchar, ', ' order by id) || ' wait with the same pair'
from held
where voided is null
group by email, ltrim(phone, '+')
having count(*) > 1

-- name: retired_though_it_stands
select 'contact ' || id || ' has no identity, and '
  || if(voided is null, 'stands', 'no operation that brought it is undone')
from contact
where identity_id is null
  and (voided is null or position not in (select position from undone))

-- name: retired_without_a_successor
select 'contact ' || contact.id || ' is retired, and nobody holds what it hung on'
from contact left join node
  on node.type = contact.anchor
  and node.key = case contact.anchor
    when 'email' then contact.email else ltrim(contact.phone, '+')
  end
where contact.identity_id is null and node.contact_id is null
