-- What must hold of the tables of evidence.sql; each query finds what does not, in words. The name
-- of a query is the rule that is broken.

-- name: identifier_missing
select 'contact ' || id || ' has ' || email || ', which is no identifier'
from contact positional join (select e, p from holding) as place
where email is not null and e < 0
union all
select 'contact ' || id || ' has ' || phone || ', which is no identifier'
from contact positional join (select e, p from holding) as place
where phone is not null and p < 0

-- name: contact_hangs_on_nothing
select 'contact ' || id || ' has no identifier that is not blocked'
from holding where hang < 0 and (e >= 0 or p >= 0)

-- name: link_to_a_stranger
select 'the link at position ' || position || ' names ' || a_type || ' ' || a_key || ' and '
  || b_type || ' ' || b_key || ', which are not both known'
from tied
where a_said < 0 or b_said < 0

-- name: link_of_the_wrong_kind
select 'the ' || source || ' link at position ' || position || ' between ' || a_type || ' ' || a_key
  || ' and ' || b_type || ' ' || b_key || ' ties contacts ' || a_contact_id || ' and '
  || b_contact_id
from tied
where case source
  when 'presented'
  then a_contact_id <> 0 or b_contact_id <> 0 or a_type <> 'email' or b_type <> 'phone'
  when 'imported'
  then a_contact_id = 0
    or (b_type = 'row') <> (b_contact_id = 0)
    or (b_type = 'row' and not starts_with(b_key, position || ':'))
  else false
end

-- name: link_beside_its_contacts
select 'the link at position ' || position || ' ties contact ' || tied.a_contact_id || ' by '
  || tied.a_type || ' ' || tied.a_key || ', on which it does not hang'
from tied left join holding on holding.id = tied.a_contact_id
where tied.a_contact_id <> 0 and holding.hang is distinct from tied.a_said
union all
select 'the link at position ' || position || ' ties contact ' || tied.b_contact_id || ' by '
  || tied.b_type || ' ' || tied.b_key || ', on which it does not hang'
from tied left join holding on holding.id = tied.b_contact_id
where tied.b_contact_id <> 0 and holding.hang is distinct from tied.b_said

-- name: gap_in_the_journal
select 'position ' || position || ' follows ' || before
from (select position, lag(position, 1, 0::bigint) over () as before from journal)
where position <> before + 1

-- name: time_running_back
select 'position ' || position || ' is dated before the one in front of it'
from (select position, "at" as moment, lag("at") over () as before from journal)
where moment < before

-- name: contact_without_its_position
select 'contact ' || contact.id || ' (' || contact.source || ') of position ' || contact.position
  || case
    when journal.position is null then ': the journal has no such position'
    when contact.source = 'imported' or journal.type not in ('created', 'extended')
    then ': that is ' || journal.type
    else ': that made contact ' || journal.contact_id
  end
from contact left join journal on journal.position = contact.position
where case
  when contact.source = 'imported' then journal.type is distinct from 'imported'
  else journal.contact_id is distinct from contact.id
    or journal.type not in ('created', 'extended')
end

-- name: contact_misdated
select 'contact ' || contact.id || ' is dated ' || make_timestamp(contact.created_at)
  || ', its position ' || journal.position || ' ' || make_timestamp(journal."at")
from contact join journal on journal.position = contact.position
where case contact.source
  when 'presented' then contact.created_at <> journal."at" else contact.created_at > journal."at"
end

-- name: position_without_its_contact
select 'position ' || journal.position || ' (' || journal.type || ') made contact '
  || journal.contact_id || ', which has none or another position'
from journal
left join contact on contact.id = journal.contact_id and contact.position = journal.position
where journal.type in ('created', 'extended') and contact.id is null

-- name: link_without_its_position
select 'the ' || tied.source || ' link at position ' || tied.position || ' between ' || a_type || ' '
  || a_key || ' and ' || b_type || ' ' || b_key
  || case
    when journal.position is null then ': the journal has no such position'
    when tied."at" <> journal."at" then ': that has another time'
    else ': that is ' || journal.type
  end
from tied left join journal on journal.position = tied.position
where journal.position is null
  or tied."at" <> journal."at"
  or case tied.source
    when 'presented' then journal.type not in ('merged', 'linked')
    when 'imported' then journal.type <> 'imported'
    else true
  end

-- name: position_without_its_link
select 'position ' || journal.position || ' (' || journal.type || ') left '
  || coalesce(found.links, 0) || ' links instead of one'
from journal
left join (
  select position, count(*) as links from tied where source = 'presented' group by position
) as found on found.position = journal.position
where journal.type in ('merged', 'linked') and found.links is distinct from 1

-- name: provenance_without_its_contact
select 'provenance of contact ' || provenance.contact_id || ' names position '
  || provenance.position || coalesce(', the contact ' || contact.position, ', there is no contact')
from provenance left join contact on contact.id = provenance.contact_id
where contact.position is distinct from provenance.position

-- name: tombstone_of_a_contact
select 'tombstone ' || tombstone.contact_id || ' is also a contact'
from tombstone join contact on contact.id = tombstone.contact_id

-- name: not_of_an_import
select what || ' names position ' || named.position
  || coalesce(', which is ' || journal.type, ', which the journal has not')
from (
  select 'provenance of contact ' || contact_id as what, position from provenance
  union all
  select 'tombstone ' || contact_id, position from tombstone
  union all
  select 'demotion of contact ' || contact_id, position from demotion
  union all
  select 'the block of ' || type || ' ' || key, blocked_by from node where blocked_by is not null
) as named
left join journal on journal.position = named.position
where journal.type is distinct from 'imported'

-- name: demotion_of_a_stranger
select 'demotion at position ' || demotion.position || ' of contact ' || demotion.contact_id
  || ', which was not there'
from demotion left join contact on contact.id = demotion.contact_id
where contact.id is null or contact.position >= demotion.position

-- name: tree_beside_contacts
select 'contact_tree has '
  || coalesce('no contact ' || contact.id, 'contact ' || tree.id || ' that is no contact')
from contact full join tree on tree.id = contact.id
where contact.id is null or tree.id is null
union all
select 'contact_tree has contact ' || contact.id || ' with other values'
from contact join tree on tree.id = contact.id
where contact.email is distinct from tree.email
  or contact.phone is distinct from tree.phone_number
  or abs(contact.created_at - tree.created_at) >= 1000

-- name: tree_not_flat
select 'contact ' || tree.id || ' points at ' || tree.linked_id || ', which is '
  || coalesce('secondary to ' || head.linked_id, 'no contact')
from tree left join tree as head on head.id = tree.linked_id
where tree.linked_id is not null and (head.id is null or head.linked_id is not null)

-- name: precedence_wrong
select 'contact ' || id || ' is ' || link_precedence || ' and points at '
  || coalesce(linked_id::varchar, 'no one')
from tree
where link_precedence <> case when linked_id is null then 'primary' else 'secondary' end
