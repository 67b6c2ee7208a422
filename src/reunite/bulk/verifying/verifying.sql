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

-- name: identity_named_by_no_member
select 'identity ' || identity.identity_id || ' is named by '
  || case when contact.id is null then 'no contact' else 'a contact of another' end
from identity left join contact on contact.id = identity.identity_id
where contact.identity_id is distinct from identity.identity_id

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
  else a_contact_id = 0 or b_contact_id = 0 or b_type = 'row'
end

-- name: link_beside_its_contacts
select 'the link at position ' || position || ' ties contact ' || tied.a_contact_id || ' by '
  || tied.a_type || ' ' || tied.a_key || ', which it does not have'
from tied left join holding on holding.id = tied.a_contact_id
where tied.a_contact_id <> 0 and not coalesce(tied.a_said in (holding.e, holding.p), false)
union all
select 'the link at position ' || position || ' ties contact ' || tied.b_contact_id || ' by '
  || tied.b_type || ' ' || tied.b_key || ', which it does not have'
from tied left join holding on holding.id = tied.b_contact_id
where tied.b_contact_id <> 0 and not coalesce(tied.b_said in (holding.e, holding.p), false)

-- name: gap_in_the_journal
select 'position ' || position || ' follows ' || before
from (select position, lag(position, 1, 0::bigint) over () as before from journal)
where position <> before + 1

-- name: time_running_back
select 'position ' || position || ' is dated before the one in front of it'
from (select position, "at" as moment, lag("at") over () as before from journal)
where moment < before

-- name: journal_of_the_wrong_form
select 'position ' || position || ' is ' || type || ' and names '
  || concat_ws(
    ', ', 'contact ' || contact_id, 'known contact ' || with_contact_id,
    'primary ' || primary_id, 'demoted ' || demoted_id, 'who decided: ' || who, 'why: ' || why
  )
from journal
where not case type
  when 'created' then contact_id is not null and primary_id is not null
    and with_contact_id is null and demoted_id is null and who is null and why is null
  when 'extended' then contact_id is not null and primary_id is not null
    and with_contact_id is not null and demoted_id is null and who is null and why is null
  when 'linked' then contact_id is not null and primary_id is not null
    and with_contact_id is not null and demoted_id is null and who is null and why is null
  when 'merged' then contact_id is not null and primary_id is not null
    and with_contact_id is not null and demoted_id is not null and who is null and why is null
  when 'imported' then contact_id is null and primary_id is null
    and with_contact_id is null and demoted_id is null and who is null and why is null
  else primary_id is null and with_contact_id is null and demoted_id is null
end

-- name: contact_without_its_position
select 'contact ' || contact.id || ' (' || contact.source || ') of position ' || contact.position
  || case
    when journal.position is null then ': the journal has no such position'
    when contact.source <> 'presented' or journal.type not in ('created', 'extended', 'allowed')
    then ': that is ' || journal.type
    else ': that made contact ' || journal.contact_id
  end
from contact left join journal on journal.position = contact.position
where case contact.source
  when 'imported' then journal.type is distinct from 'imported'
  when 'presented' then journal.contact_id is distinct from contact.id
    or journal.type not in ('created', 'extended', 'allowed')
  else coalesce(
    journal.type in ('created', 'extended', 'merged', 'linked', 'imported'), true
  )
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
    when 'presented' then journal.type not in ('merged', 'linked', 'allowed')
    else journal.type <> tied.source
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
) as named
left join journal on journal.position = named.position
where journal.type is distinct from 'imported'

-- name: demotion_without_its_position
select 'demotion of contact ' || demotion.contact_id || ' names position ' || demotion.position
  || coalesce(', which is ' || journal.type, ', which the journal has not')
from demotion left join journal on journal.position = demotion.position
where coalesce(journal.type in ('created', 'extended', 'merged', 'linked'), true)

-- name: demotion_of_a_stranger
select 'demotion at position ' || demotion.position || ' of contact ' || demotion.contact_id
  || ', which was not there'
from demotion left join contact on contact.id = demotion.contact_id
where contact.id is null or contact.position >= demotion.position

-- name: tree_beside_contacts
select 'contact_tree has '
  || coalesce('no contact ' || contact.id, 'contact ' || tree.id || ' that is no contact')
from (select id from contact where identity_id is not null) as contact
full join tree on tree.id = contact.id
where contact.id is null or tree.id is null
union all
select 'contact_tree has contact ' || contact.id || ' with other values'
from contact join tree on tree.id = contact.id
where tree.email is distinct from
    case when contact.voided is null or contact.anchor = 'email' then contact.email end
  or tree.phone_number is distinct from
    case when contact.voided is null or contact.anchor = 'phone' then contact.phone end
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
