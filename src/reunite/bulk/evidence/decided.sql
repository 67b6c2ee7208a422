-- What decisions by hand named, of the tables of evidence.sql.

-- name: decisions
select count(*) from journal
where type not in ('created', 'extended', 'merged', 'linked', 'imported')

-- name: blocked_by_hand
select distinct node.rowid::integer as n
from block
join node on node.type = block.type and node.key = block.key
join journal on journal.position = block.position
where journal.type = 'blocked'
  or block.voided is not null
  or block.position in (select target_position from void where target in ('block', 'operation'))

-- name: named_contacts
select contact.rowid::integer as c
from contact
where voided is not null
  or identity_id is null
  or source = 'asserted'
  or position in (select position from journal where type = 'allowed')
  or position in (select target_position from void where target = 'operation')
  or id in (select contact_id from void where target = 'contact')

-- What links of contacts name those contacts have, too.
-- name: named_links
select a_said, b_said
from tied
where voided is not null
  or source = 'asserted'
  or position in (select position from journal where type = 'allowed')
  or position in (select target_position from void where target in ('link', 'operation'))
