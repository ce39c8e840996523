-- A call is over: its places are free now, or a window from now. Repeatable; safe after the memory was lost, which it then knows again.
--
-- KEYS  log and state of each limit
-- ARGV  slot, offset of the business clock (ms), answered | unanswered | unused, then of each limit: kind, window (ms), lingers (ms)

local SKEW_MS = 1000
local LONGEST_AHEAD_MS = 600000

local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000) + tonumber(ARGV[2])
local slot, how = ARGV[1], ARGV[3]

for i = 1, #KEYS / 2 do
  local at = 3 + (i - 1) * 3
  local log, state, kind = KEYS[2 * i - 1], KEYS[2 * i], ARGV[at + 1]
  local window, lingers = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local free = nil
  if kind == 'concurrency' then
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
    if how == 'unused' and redis.call('HGET', state, 'run') == run then redis.call('HINCRBY', state, 'left', 1) end
  elseif free == nil or how == 'unused' then
    redis.call('ZREM', log, slot)
  else
    -- Under another name: what is over is kept by nobody's heartbeat.
    redis.call('ZREM', log, slot)
    redis.call('ZADD', log, free, '-' .. slot)
    redis.call('PEXPIRE', log, free - now + LONGEST_AHEAD_MS)
  end
end
return 1
