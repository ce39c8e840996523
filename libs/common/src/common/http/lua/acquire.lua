-- One place in every limit of a call, or none: decided in one step for all processes.
--
-- A limit has a log (sorted set: call -> when its place is free) and a state (hash). A call in progress is in the log with the time at
-- which its process must have given up plus the window; its answer replaces that by a window from the answer. Its name begins with its
-- process: when that has not beaten for a while, the call is over, and what it may have cost counts from then.
--
-- KEYS  queue, seen, alive (sorted set: process -> its last beat), then log and state of each limit
-- ARGV  slot, offset of the business clock (ms), waiter, rank, waiting since (ms), longest call (ms),
--       then of each limit: kind, allowed (of a day: what stays for live calls; of points all of them), window (ms; of a day: what the call takes),
--       pace (ms, 0 none; of points the share of the reserve), what is ours of a day (of points the share that stays for live calls)
-- The name of the slot ends with what the call costs: that many points have to be there, and are taken.
-- Returns granted {_, permille left} | wait {limit, ms, permille of ours answered in the last window} | paused {limit, ms}
--         | lost {limit} | idle {limit} | empty {limit} | other {limit}: what is known of the day is of another cap

local STOPPED_ASKING_MS = 3000
local LONGEST_AHEAD_MS = 600000
local DEAD_AFTER_MS = 5000
-- The last places of a window, one of so many: they are spread until the next one comes free.
local LAST_PLACES = 15

local t = redis.call('TIME')
local real = t[1] * 1000 + math.floor(t[2] / 1000)
local now = real + tonumber(ARGV[2])
local waiter, rank = ARGV[3], tonumber(ARGV[4])
local hold = tonumber(ARGV[6])
local cost = math.max(1, cost_of(ARGV[1]))
-- A restarted server may have read an old copy of its memory: its run id tells, the mere presence of keys does not.
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')

local limits = {}
for i = 1, (#KEYS - 3) / 2 do
  local at = 6 + (i - 1) * 5
  local state = redis.call('HMGET', KEYS[2 * i + 3], 'run', 'until', 'full', 'tat', 'pause', 'left', 'rest', 'last', 'cap')
  local limit = {
    log = KEYS[2 * i + 2], state = KEYS[2 * i + 3], kind = ARGV[at + 1], allowed = tonumber(ARGV[at + 2]),
    window = tonumber(ARGV[at + 3]), pace = tonumber(ARGV[at + 4]),
    full = tonumber(state[3] or 0), tat = tonumber(state[4] or 0),
    left = tonumber(state[6] or 0), rest = tonumber(state[7] or 0), last = tonumber(state[8] or 0), extra = tonumber(ARGV[at + 5]),
  }
  local pause = tonumber(state[5] or 0)
  -- A day's rest, and a pause because nothing was left, are true of the cap by which they were counted.
  if limit.kind == 'daily' and state[1] == run and state[9] ~= ARGV[at + 5] then return {'other', i, 0} end
  if pause > now then return {'paused', i, pause - now} end
  if state[1] ~= run then return {'lost', i, 0} end
  if limit.kind == 'daily' then
    if limit.left < limit.window then return {'empty', i, 0} end
  elseif tonumber(state[2] or 0) < now then
    return {'idle', i, 0}
  end
  limits[i] = limit
end

for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', real - STOPPED_ASKING_MS)) do
  redis.call('ZREM', KEYS[1], gone)
  redis.call('ZREM', KEYS[2], gone)
  for _, limit in ipairs(limits) do redis.call('HDEL', limit.state, 'wants:' .. gone) end
end
redis.call('ZREM', KEYS[1], waiter)
local score = string.format('%.0f', rank * 1e13 + tonumber(ARGV[5]))
local ahead = redis.call('ZCOUNT', KEYS[1], '-inf', '(' .. score)

local room, blocked_by, wait, permille = math.huge, 0, 0, 1000

local function block(i, ms)
  if blocked_by == 0 or ms > wait then blocked_by, wait = i, ms end
end

local function day(i, limit)
  -- Of the whole day's rest, live calls keep their part: nobody can wait until midnight for a backfill.
  local more = limit.window - 1
  if limit.allowed > 0 and limit.left + limit.rest - more <= limit.allowed then
    room = math.min(room, 0)
    block(i, -1)
  else
    room = math.min(room, limit.left - more)
    if limit.left - more <= ahead then block(i, 0) end
  end
end

local some_died = redis.call('ZCOUNT', KEYS[3], '-inf', '(' .. string.format('%.0f', real - DEAD_AFTER_MS)) > 0

local function bury(limit)
  local in_progress = redis.call('ZRANGEBYSCORE', limit.log, '(' .. string.format('%.0f', now + limit.window), '+inf')
  for _, slot in ipairs(in_progress) do
    local process = string.match(slot, '^(%w+):')
    local beat = process and tonumber(redis.call('ZSCORE', KEYS[3], process) or 0)
    if beat and beat < real - DEAD_AFTER_MS then
      -- The vendor counted it before its process died, and that was soon after the last beat.
      local died = (beat > 0 and beat or real - DEAD_AFTER_MS) + DEAD_AFTER_MS
      local free = died + tonumber(ARGV[2]) + limit.window
      if limit.kind == 'concurrency' or free <= now then
        redis.call('ZREM', limit.log, slot)
      else
        redis.call('ZADD', limit.log, free, slot)
      end
    end
  end
  return redis.call('ZCARD', limit.log)
end

local function early_by(limit, mine)
  -- Who comes late may catch up with a few calls at once: what is not used in its time would be lost.
  local early = limit.tat - math.max(2 * limit.pace, limit.window / 40) - now
  if mine <= math.ceil(limit.allowed / LAST_PLACES) then
    -- The pace is a little faster than places come free, and the first burst much: the last ones have to do until the next is free.
    local next = redis.call('ZRANGE', limit.log, 0, 0, 'WITHSCORES')
    local free = math.min(tonumber(next[2] or now), now + limit.window)
    local last = math.max(limit.last, now - limit.window)
    early = math.max(early, last + (free - last) / (mine + 1) - now)
  end
  return early
end

local function log(i, limit)
  redis.call('ZREMRANGEBYSCORE', limit.log, '-inf', now)
  -- After a clock that was set back: what lies further ahead than any call can reach counts once more as a full window.
  for _, far in ipairs(redis.call('ZRANGEBYSCORE', limit.log, now + hold + limit.window + LONGEST_AHEAD_MS, '+inf')) do
    redis.call('ZADD', limit.log, now + limit.window, far)
  end
  if limit.full > now + hold + limit.window + LONGEST_AHEAD_MS then limit.full = now + limit.window end
  if limit.tat > now + limit.window then limit.tat = now end
  if limit.last > now then limit.last = now end

  limit.used = redis.call('ZCARD', limit.log)
  if some_died and limit.allowed - limit.used <= ahead then limit.used = bury(limit) end
  if limit.full > now then
    -- Memory was lost: what others may have in progress counts as everything we have.
    room = math.min(room, 0)
    block(i, limit.full - now)
    return
  end
  local mine = limit.allowed - limit.used
  permille = math.min(permille, math.floor(1000 * math.max(0, mine - 1) / limit.allowed))
  if mine <= ahead then
    local ms = 0
    if limit.kind ~= 'concurrency' then
      local at = math.max(0, limit.used - limit.allowed + ahead)
      local next = redis.call('ZRANGE', limit.log, at, at, 'WITHSCORES')
      if next[2] then ms = math.min(tonumber(next[2]) - now, limit.window) end
    end
    block(i, ms)
  end
  -- Above half of the window, everything but live calls is spread: places then come free one by one, so that a live call
  -- waits for one of them and not for the whole window.
  limit.paced = limit.pace > 0 and limit.used * 2 >= limit.allowed
  if limit.paced and rank > 0 and mine > 0 then
    local early = early_by(limit, mine)
    if early > 0 then
      mine = 0
      block(i, early)
    end
  end
  room = math.min(room, mine)
end

local function wanted_before(limit)
  local points = 0
  for _, other in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. score)) do
    points = points + tonumber(redis.call('HGET', limit.state, 'wants:' .. other) or 0)
  end
  return points
end

local function points(i, limit)
  redis.call('ZREMRANGEBYSCORE', limit.log, '-inf', now)
  local found = bucket(limit.state, limit.allowed, limit.window, limit.pace, now)
  limit.bucket = found
  -- A dear call in no hurry has to be possible in a small bucket, too.
  local need = math.min(cost, found.ours)
  local kept = rank > 0 and math.min(found.ours * limit.extra, found.ours - need) or 0
  -- Who waits longer goes first, whatever it costs: cheap calls that pass would keep a dear one waiting for ever.
  local lacking = need + kept + (ahead > 0 and wanted_before(limit) or 0) - found.level
  permille = math.min(permille, math.floor(1000 * math.max(0, found.level - need) / found.ours))
  if lacking > 0 then
    room = math.min(room, 0)
    block(i, math.max(1, math.ceil(lacking / found.restore)))
  end
end

local shapes = {daily = day, points = points}
for i, limit in ipairs(limits) do (shapes[limit.kind] or log)(i, limit) end

if room <= ahead then
  redis.call('ZADD', KEYS[1], score, waiter)
  redis.call('ZADD', KEYS[2], real, waiter)
  redis.call('PEXPIRE', KEYS[1], 60000)
  redis.call('PEXPIRE', KEYS[2], 60000)
  for _, limit in ipairs(limits) do
    if limit.bucket then redis.call('HSET', limit.state, 'wants:' .. waiter, cost) end
  end
  local by, answered = limits[blocked_by], -1
  if by.kind == 'rolling' and by.full <= now then
    answered = math.floor(1000 * redis.call('ZCOUNT', by.log, now, now + by.window) / by.allowed)
  end
  return {'wait', blocked_by, math.ceil(wait), answered}
end

local function take(limit)
  local found, calls = limit.bucket, calls_of(limit.log)
  if redis.call('ZCARD', limit.log) == 1 then redis.call('DEL', calls) end
  redis.call('HSET', calls, ARGV[1], string.format('%.0f %.3f %.3f', now, found.returned, found.spent))
  redis.call('PEXPIRE', calls, MOST_KEPT_MS)
  redis.call('HDEL', limit.state, 'wants:' .. waiter)
  found.level = found.level - cost
  keep_bucket(limit.state, found, now)
end

redis.call('ZREM', KEYS[2], waiter)
redis.call('ZADD', KEYS[3], real, waiter)
for _, limit in ipairs(limits) do
  if limit.kind == 'daily' then
    redis.call('HINCRBY', limit.state, 'left', -limit.window)
  else
    local last = hold + (limit.kind == 'concurrency' and 0 or limit.window)
    redis.call('ZADD', limit.log, now + last, ARGV[1])
    redis.call('PEXPIRE', limit.log, last + LONGEST_AHEAD_MS)
    if limit.bucket then take(limit) end
    if limit.paced then redis.call('HSET', limit.state, 'tat', math.max(limit.tat, now) + limit.pace, 'last', now) end
  end
end
return {'granted', 0, permille}
