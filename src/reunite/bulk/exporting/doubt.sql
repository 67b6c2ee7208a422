-- Doubtful identities: their e-mails bear names that have nothing in common. A name is what stands
-- before the @, up to a +, cut into words of two letters or more, and numbers. Two names have something
-- in common where they share a word, or one has a word of four letters or more that a word of the
-- other begins or ends with; but not where both have numbers and share none: numbers tell people of
-- one name apart. E-mails without such a word, or of a role or a way of filling in a form, bear no name.
-- Reads the tables contact, identifier, link and sized of statistics.sql.

-- The words of unblocked e-mails of identities with several, each once with each number of its e-mail,
-- '' where it has none.
-- name: make_saying
create or replace table saying as
select identity_id, contact_id, key, word, unnest(numbers) as number
from (
  select
    identity_id, contact_id, key,
    unnest(list_distinct(regexp_extract_all(local_part, '[\p{L}\p{M}]{2,}'))) as word,
    coalesce(
      nullif(list_distinct(regexp_extract_all(local_part, '\p{Nd}+')), []), ['']
    ) as numbers
  from (
    select
      contact.identity_id, identifier.contact_id, identifier.key,
      regexp_extract(identifier.key, '^[^@+]*') as local_part
    from identifier join contact on contact.id = identifier.contact_id
    where identifier.type = 'email' and identifier.blocked_by is null
    qualify count(*) over (partition by contact.identity_id) > 1
  )
)
where not regexp_full_match(
  word,
  'abuse|account|accounts|admin|billing|business|contact|customer|donotreply|dummy|email|fake|hello'
  || '|help|home|info|invalid|invoice|mail|me|mobile|my|newsletter|no|nobody|noemail|none|noreply'
  || '|null|office|online|orders|personal|postmaster|privat|private|reply|sales|service|shop|spam'
  || '|support|team|test|testing|the|unknown|user|web|webmaster|work|www'
)

-- The e-mails of identities in which no word, with its number, is in all of them.
-- name: make_unlike
create or replace table unlike as
select identity_id, contact_id, key
from (select distinct identity_id, contact_id, key from saying)
where identity_id in (
  select covered.identity_id
  from (
    select identity_id, max(emails) as most
    from (select identity_id, count(*) as emails from saying group by identity_id, word, number)
    group by identity_id
  ) as covered
  join (select identity_id, count(distinct key) as emails from saying group by identity_id) as had
    on had.identity_id = covered.identity_id
  where covered.most < had.emails
)
order by identity_id, key

-- Which of these e-mails, numbered as they lie there, have something in common. One that has the word
-- without a number ties all that have it; what only begins or ends with the word needs one that has it.
-- name: alike
with
  said as (
    select unlike.rowid::integer as n, saying.identity_id, saying.word, saying.number
    from saying join unlike on unlike.identity_id = saying.identity_id and unlike.key = saying.key
  ),
  cut as (
    select
      said.n, said.identity_id,
      unnest([left(said.word, size.letters), right(said.word, size.letters)]) as part, said.number
    from said, lateral (select unnest(range(4, length(said.word))) as letters) as size
  ),
  part as (
    select n, identity_id, word as part, number, true as is_word from said
    union all
    select cut.n, cut.identity_id, cut.part, cut.number, false
    from cut semi join said on said.identity_id = cut.identity_id and said.word = cut.part
  ),
  judged as (
    select
      n, identity_id, part, number,
      bool_or(number = '') over named as has_plain,
      is_word or number = ''
        or bool_or(is_word) over numbered
        or bool_or(is_word and number = '') over named as fits
    from part
    window
      named as (partition by identity_id, part),
      numbered as (partition by identity_id, part, number)
  ),
  tied as (
    select distinct
      n as a,
      min(n) over (
        partition by identity_id, part, case when has_plain then '' else number end
      ) as b
    from judged
    where fits
  )
select a, b from tied where a <> b

-- bearing: these e-mails, each with the number of its name.
-- name: make_doubtful
create or replace table doubtful as
select
  named.identity_id, named.names, sized.identifiers, sized.contacts,
  arg_min(contact.id, (contact.created_at, contact.id)) as primary_id
from (
  select identity_id, count(distinct name) as names
  from bearing group by identity_id having count(distinct name) > 1
) as named
join sized on sized.identity_id = named.identity_id
join contact on contact.identity_id = named.identity_id
group by all

-- The first of them, for what is told of each.
-- name: make_listed
create or replace table listed as
select * from doubtful order by names desc, identifiers desc, primary_id limit $limit

-- name: listed
select identity_id, primary_id, identifiers, contacts, names
from listed
order by names desc, identifiers desc, primary_id

-- What the contacts of those answer for and is not blocked.
-- name: make_held
create or replace table held as
select answered.identity_id, answered.id, answered.type, answered.key
from (
  select contact.identity_id, contact.id, 'email' as type, contact.email as key
  from contact join listed on listed.identity_id = contact.identity_id
  where contact.email is not null
  union all
  select contact.identity_id, contact.id, 'phone', ltrim(contact.phone, '+')
  from contact join listed on listed.identity_id = contact.identity_id
  where contact.phone is not null
) as answered
join identifier on identifier.type = answered.type and identifier.key = answered.key
where identifier.blocked_by is null

-- The e-mails of those with the numbers of their names, by age of who holds them. In a store that is
-- damaged a contact may hold what it does not answer for.
-- name: listed_names
select bearing.identity_id, bearing.name, bearing.key
from bearing
join contact on contact.id = bearing.contact_id
semi join held
  on held.identity_id = bearing.identity_id and held.type = 'email' and held.key = bearing.key
order by contact.created_at, contact.id, bearing.key

-- name: held
select identity_id, 'contact', id::varchar, type, key from held order by all

-- The links of those by their ends: the contacts that they tie, else what they say.
-- name: linked
with
  own as (select distinct identity_id, id from held),
  free as (select distinct identity_id, type, key from held),
  linked as (
    select
      coalesce(a_own.identity_id, a_free.identity_id) as a_identity_id,
      coalesce(b_own.identity_id, b_free.identity_id) as b_identity_id,
      case when a_own.id is null then link.a_type else 'contact' end as a_type,
      case when a_own.id is null then link.a_key else a_own.id::varchar end as a_key,
      case when b_own.id is null then link.b_type else 'contact' end as b_type,
      case when b_own.id is null then link.b_key else b_own.id::varchar end as b_key
    from link
    left join own as a_own on a_own.id = link.a_contact_id
    left join own as b_own on b_own.id = link.b_contact_id
    left join free as a_free on a_free.type = link.a_type and a_free.key = link.a_key
    left join free as b_free on b_free.type = link.b_type and b_free.key = link.b_key
  )
select a_identity_id, a_type, a_key, b_type, b_key
from linked
where a_identity_id is not null and (b_identity_id is not null or b_type = 'row')
order by all
