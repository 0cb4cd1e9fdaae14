-- Leases of budgets: one contact of one replica about one or more accounts, as one atomic step.
--
-- KEYS[1]   the marker: since when this server has known of leases (a hash: run, since)
-- KEYS[2..] the accounts, each a hash:
--   epoch, n      the life of this hash, and how many contacts it had
--   from          no grants before then (server time, ms)
--   g:R v:R s:R   what replica R may spend in all, its last token, what it says it has spent
--   done:R        R has left, with nothing unspent
--   wait:R        R had a lease in an earlier life of this hash and has not come back yet
--   want          until when (ms) and by whom more was wanted than was free
--   told:SHARE    the threshold was announced
-- ARGV[1] one JSON object: me, nonce, gather (ms), claims (one an account, in their order).
-- Amounts are decimal strings: what is stored unchanged keeps every digit.
--
-- Laws: the sum of g:* grows only here and only by what is free. A replica lowers its own lease
-- before it says so, and a contact whose token is not the last one lowers nothing: a request that
-- was given up and arrives late cannot take back what its sender uses again.

local ask = cjson.decode(ARGV[1])
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local function life()
  local info = redis.pcall('INFO', 'server')
  local run = type(info) == 'string' and string.match(info, 'run_id:(%w+)') or 'unknown'
  local known = redis.call('HMGET', KEYS[1], 'run', 'since')
  if known[1] == run and known[2] then return tonumber(known[2]), run end
  redis.call('HSET', KEYS[1], 'run', run, 'since', string.format('%.0f', now))
  return now, run
end

local function load_account(key)
  local flat, fields = redis.call('HGETALL', key), {}
  for i = 1, #flat, 2 do fields[flat[i]] = flat[i + 1] end
  return { fields = fields, set = {}, del = {} }
end

local function put(account, name, value)
  account.fields[name] = value
  account.set[#account.set + 1] = name
  account.set[#account.set + 1] = value
end

local function drop(account, name)
  if account.fields[name] then
    account.fields[name] = nil
    account.del[#account.del + 1] = name
  end
end

-- What the sender knows of others that this life of the hash has not heard of.
local function remember(account, claim)
  for replica, was in pairs(claim.roster) do
    if replica ~= ask.me and not account.fields['g:' .. replica] then
      if was.done then
        put(account, 'g:' .. replica, was.lease)
        put(account, 's:' .. replica, was.lease)
        put(account, 'done:' .. replica, '1')
      else
        put(account, 'wait:' .. replica, '1')
      end
    end
  end
end

local function register(account, claim, index)
  local fields = account.fields
  if not fields.epoch then
    local wait = claim.token ~= '' and ask.gather or claim.wait
    put(account, 'epoch', ask.nonce .. index)
    put(account, 'from', string.format('%.0f', now + wait))
  end
  if claim.token ~= '' and string.match(claim.token, '^[^:]*') ~= fields.epoch then
    remember(account, claim)
  end
  local held, lease = fields['g:' .. ask.me], claim.lease
  if held and fields['v:' .. ask.me] ~= claim.token and tonumber(held) > tonumber(lease) then
    lease = held
  end
  put(account, 'g:' .. ask.me, lease)
  local spent = fields['s:' .. ask.me]
  if not spent or tonumber(spent) < tonumber(claim.spent) then spent = claim.spent end
  put(account, 's:' .. ask.me, spent)
  put(account, 'n', string.format('%.0f', (tonumber(fields.n) or 0) + 1))
  put(account, 'v:' .. ask.me, fields.epoch .. ':' .. fields.n)
  drop(account, 'wait:' .. ask.me)
  if claim.done then put(account, 'done:' .. ask.me, '1') else drop(account, 'done:' .. ask.me) end
end

local function sums(fields)
  local taken, spent, waiting = 0, 0, false
  for name, value in pairs(fields) do
    local kind = string.sub(name, 1, 2)
    if kind == 'g:' then taken = taken + tonumber(value) end
    if kind == 's:' then spent = spent + tonumber(value) end
    if string.sub(name, 1, 5) == 'wait:' then waiting = true end
  end
  return taken, spent, waiting
end

-- Above 2^53 a number of Lua is not exact: as much as could be rounded away stays ungranted.
local function slack(amount)
  if amount < 9007199254740992 then return 0 end
  return math.ceil(amount / 1099511627776)
end

local function judge(account, claim, since)
  local fields, amount = account.fields, tonumber(claim.amount)
  local taken, spent, waiting = sums(fields)
  account.free = amount - taken - slack(amount)
  account.need = tonumber(claim.lease) + tonumber(claim.lack) - tonumber(fields['g:' .. ask.me])
  account.told = {}
  for share, threshold in pairs(claim.thresholds) do
    if spent >= tonumber(threshold) and not fields['told:' .. share] then
      put(account, 'told:' .. share, claim.spent)
      account.told[#account.told + 1] = share
    end
  end
  if tonumber(claim.lack) <= 0 or account.need <= 0 then return 'ok' end
  if now < since + ask.gather or now < tonumber(fields.from) then return 'gathering' end
  if waiting then return 'waiting' end
  if account.free < account.need then return 'short' end
  return 'ok'
end

local function grant(account, claim)
  if tonumber(claim.lack) <= 0 or account.need <= 0 then return end
  local step = math.min(math.floor(tonumber(claim.amount) / 50), math.floor(account.free / 8))
  local mine = 'g:' .. ask.me
  local lease = tonumber(account.fields[mine]) + math.max(account.need, step)
  put(account, mine, string.format('%.0f', lease))
end

local function store(key, account, claim)
  redis.call('HSET', key, unpack(account.set))
  if #account.del > 0 then redis.call('HDEL', key, unpack(account.del)) end
  redis.call('PEXPIRE', key, string.format('%.0f', claim.ttl))
end

local since, run = life()
local accounts, all = {}, true
for i, claim in ipairs(ask.claims) do
  local account = load_account(KEYS[i + 1])
  register(account, claim, i)
  account.state = judge(account, claim, since)
  all = all and account.state == 'ok'
  accounts[i] = account
end

local answers = {}
for i, claim in ipairs(ask.claims) do
  local account = accounts[i]
  local want = account.fields.want
  if want and tonumber(string.match(want, '^%d+')) < now then drop(account, 'want') end
  if all then grant(account, claim) end
  if account.state == 'short' then
    put(account, 'want', string.format('%.0f', now + 2000) .. ' ' .. ask.me)
  end
  store(KEYS[i + 1], account, claim)
  answers[i] = {
    state = account.state,
    fields = account.fields,
    told = table.concat(account.told, ' '),
  }
end
return cjson.encode({ life = string.format('%.0f %s', since, run), answers = answers })
