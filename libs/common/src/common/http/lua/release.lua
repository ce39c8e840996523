-- A call is over: its places are free now, or a window from now. Repeatable; safe after the memory was lost, which it then knows again.
--
-- KEYS  log and state of each limit
-- ARGV  slot, offset of the business clock (ms), answered | unanswered | unused,
--       what the answer told of points, -1 where it told nothing: spent, then available, size, coming back in a second,
--       then of each limit: kind, window (ms; of a day: what the call has taken), lingers (ms), and of points how many, and the share of the reserve

local SKEW_MS = 1000
local LONGEST_AHEAD_MS = 600000

local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000) + tonumber(ARGV[2])
local slot, how = ARGV[1], ARGV[3]

local told = {spent = tonumber(ARGV[4]), available = tonumber(ARGV[5]), most = ARGV[6], restore = ARGV[7]}

local function in_progress(log)
  local points = 0
  for _, other in ipairs(redis.call('ZRANGEBYSCORE', log, now, '+inf')) do points = points + cost_of(other) end
  return points
end

-- What an answer says of the bucket is true of some moment of its call. At least so much is there now: what it says, without all that was in
-- progress beside it, is, or has ended meanwhile. At most: with all that has come back since the call began. Ours is kept between.
local function corrected(found, log, since, returned, spent)
  local most = told.available + math.max(0, now - since) * found.restore + found.returned - returned
  local least = told.available - in_progress(log) - (found.spent - spent)
  found.level = math.max(math.min(found.level, most - found.reserved), least - found.reserved)
end

local function settle(log, state, count, window, reserve)
  local call = redis.call('HGET', calls_of(log), slot)
  if not call then return end
  redis.call('HDEL', calls_of(log), slot)
  if told.spent >= 0 then redis.call('HSET', state, 'most', told.most, 'restore', told.restore) end
  local found, cost = bucket(state, count, window, reserve, now), math.max(1, cost_of(slot))
  local since, returned, spent = string.match(call, '(%S+) (%S+) (%S+)')
  -- Nothing comes back of a call of which nobody knows what it has cost.
  local cost_it = how == 'unused' and 0 or (how == 'answered' and told.spent >= 0) and told.spent or cost
  found.level = found.level + cost - cost_it
  if how == 'answered' and told.spent >= 0 then
    corrected(found, log, tonumber(since), tonumber(returned), tonumber(spent))
    local mean = tonumber(redis.call('HGET', state, 'mean') or cost_it)
    redis.call('HSET', state, 'mean', string.format('%.3f', mean + (cost_it - mean) / 16))
  end
  found.level = math.min(found.level, found.ours)
  keep_bucket(state, found, now)
  redis.call('HSET', state, 'returned', string.format('%.3f', found.returned + (how == 'answered' and math.max(0, cost - cost_it) or 0)),
    'spent', string.format('%.3f', found.spent + cost_it))
end

for i = 1, #KEYS / 2 do
  local at = 7 + (i - 1) * 5
  local log, state, kind = KEYS[2 * i - 1], KEYS[2 * i], ARGV[at + 1]
  local window, lingers = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local free = nil
  if kind == 'concurrency' or kind == 'points' then
    if how == 'unanswered' and lingers > 0 then free = now + lingers end
  elseif kind == 'fixed' then
    free = (math.floor(now / window) + 1) * window + SKEW_MS
    if how == 'unanswered' then free = free + window end
  elseif kind == 'rolling' then
    free = now + window
    if how == 'unanswered' then free = free + lingers end
  end
  if kind == 'daily' then
    local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
    if how == 'unused' and redis.call('HGET', state, 'run') == run then redis.call('HINCRBY', state, 'left', window) end
  elseif free == nil or how == 'unused' then
    redis.call('ZREM', log, slot)
  else
    -- Under another name: what is over is kept by nobody's heartbeat.
    redis.call('ZREM', log, slot)
    redis.call('ZADD', log, free, '-' .. slot)
    redis.call('PEXPIRE', log, free - now + LONGEST_AHEAD_MS)
  end
  if kind == 'points' then settle(log, state, tonumber(ARGV[at + 4]), window, tonumber(ARGV[at + 5])) end
end
return 1
