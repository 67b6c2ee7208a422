-- The rows of a generated table. Row n belongs to a group that begins at row n - member; what it
-- says are numbers, one to one with e-mails and phones. In the file the rows stand in another order,
-- i, which is also that of their ids and, nearly, of their age: groups are spread over all of it.

-- What a number is as an e-mail; of numbers below 2^32 no two are the same.
-- name: make_address
create macro address_of(n) as
  ['anna', 'ben', 'chloe', 'david', 'emma', 'farid', 'grace', 'hiro'][1 + n % 8] || '.'
    || ['meyer', 'okafor', 'silva', 'tanaka', 'novak', 'haddad', 'brown'][1 + n % 7]
    || n * 2654435761 % 4294967296
    || ['@gmail.com', '@web.de', '@example.com', '@mail.example.org', '@hotmail.com'][1 + n % 5]

-- As a phone in Germany; the same of numbers below 10^10.
-- name: make_digits
create macro digits_of(n) as lpad((n * 618033989 % 10000000000)::varchar, 10, '0')

-- The sizes of groups that repeat all over the table: 600 rows.
-- name: make_pattern
create temp table pattern as
with
  sized as (
    select 1 as size from range(231)
    union all select 2 from range(80)
    union all select unnest(range(2, 21))
  ),
  grp as (
    select size, sum(size) over (order by size, number rows unbounded preceding) - size as first
    from (select size, row_number() over (order by size) as number from sized)
  )
select first + member as place, member, size
from grp, lateral range(size) as members(member)

-- name: make_mixed
create temp table member as
with
  row as (select i, (i * $stride) % $rows as n from range($rows) as rows(i))
select
  i,
  n,
  case
    when n < $chain then 'chain'
    when n < $chain + $large then 'large'
    else 'small'
  end as kind,
  case kind
    when 'chain' then n
    when 'large' then (n - $chain) % $large_size
    else pattern.member
  end as member,
  if(kind = 'small', pattern.size, 0) as size
from row
join pattern on pattern.place = (n - $chain - $large + 600 * $rows::bigint) % 600

-- name: make_singles
create temp table member as
select i, i as n, 'small' as kind, 0 as member, 1 as size from range($rows) as rows(i)

-- name: make_said
create temp table said as
select
  i,
  n,
  $first + n - member as base,
  md5_number_lower($seed || '-' || n) as dice,
  dice % 100 as fate,
  dice // 100 % 100 as deletion,
  dice // 10000 % 100 as word,
  $is_messy and kind <> 'chain' as is_messy,
  is_messy and size = 2 and md5_number_lower($seed || '-' || n - member) // 100 % 4 = 0 as is_linked,
  case
    when is_messy and size = 1 and fate between 70 and 84 then null
    when $known > 0 and kind = 'small' and i % 100 = 0
      then i // 100 * $known // greatest($rows // 100, 1)
    when is_linked then base + member
    when kind = 'chain' then base + (member + 1) // 2
    when kind = 'large' then base + member // 2
    else base + member // 4
  end as email,
  case
    when is_messy and size = 1 and fate >= 85 then null
    when is_linked then base + member
    when kind = 'chain' then base + member // 2
    when kind = 'large' then base + if(member % 2 = 0, 0, member)
    else base + (member + 3) // 4
  end as phone,
  -- The row that its group begins with, or one that is nowhere.
  case
    when is_messy and member > 0 and (is_linked or word < 30) then (n - member) * $unstride % $rows
    when is_messy and size = 1 and word = 0 then $rows + i
  end as linked
from member

-- name: spelt
with
  plain as (
    select
      *,
      address_of(email) as address,
      digits_of(phone) as digits
    from said
  )
select
  $first + i + 1 as id,
  case
    when is_messy and fate = 0 then 'unknown'
    when is_messy and fate = 1 then 'nobody@'
    when not is_messy then address
    when dice // 1000000 % 10 = 0 then upper(address)
    when dice // 1000000 % 10 = 1 then ' ' || address || ' '
    else address
  end as email,
  case
    when is_messy and fate = 2 then 'n/a'
    when not is_messy then '+49' || digits
    when dice // 10000000 % 4 = 0 then '49' || digits
    when dice // 10000000 % 4 = 1 then '+49 (' || digits[1:3] || ') ' || digits[4:6] || '-' || digits[7:]
    when dice // 10000000 % 4 = 2 then '49 ' || digits[1:3] || '.' || digits[4:6] || '.' || digits[7:]
    else '+49' || digits
  end as "phoneNumber",
  $first + linked + 1 as "linkedId",
  timestamp '2012-01-01'
    + to_seconds(i * (12 * 365 * 86400) // $rows + dice // 100000000 % (30 * 86400)) as "createdAt",
  if(is_messy and deletion = 0, timestamp '2025-01-01', null) as "deletedAt"
from plain
order by i
