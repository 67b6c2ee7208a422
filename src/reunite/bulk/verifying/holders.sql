-- Of suspect(n, presented, decided): identifiers that something was decided about, or that are not held
-- by who presented them first; presented is the id of that contact, 0 is none.

-- name: identifier_nobody_presented
select type || ' ' || key || ' is said to be held by '
  || coalesce('contact ' || contact_id, 'no contact') || ', no contact has it'
from suspect join node on node.rowid = suspect.n
where presented = 0 and (contact_id is not null or blocked_by is null)

-- name: identifier_held_by_another
select node.type || ' ' || node.key || ' is said to be held by '
  || coalesce('contact ' || node.contact_id, 'no contact') || ', '
  || case
    when decided then 'which does not answer for it'
    else 'contact ' || presented || ' presented it first'
  end
from suspect
join node on node.rowid = suspect.n
left join contact on contact.id = node.contact_id
where presented > 0
  and (node.contact_id is not null or node.blocked_by is null)
  and not coalesce(
    decided
    and contact.identity_id is not null
    and node.key = case node.type when 'email' then contact.email else ltrim(contact.phone, '+') end
    and (contact.voided is null or contact.anchor = node.type),
    false
  )
