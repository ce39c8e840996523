-- The vendor said no. Nobody calls for a while, and for longer each time it says so again soon after.
--
-- KEYS  state    ARGV  offset of the business clock (ms), pause (ms), longest pause (ms), jitter (0..1)
-- Returns the ms from now until which nobody calls.

local FORGIVEN_MS = 600000

local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000) + tonumber(ARGV[1])
local known = redis.call('HMGET', KEYS[1], 'pause', 'refusals', 'refused')
local pause, refusals, refused = tonumber(known[1] or 0), tonumber(known[2] or 0), tonumber(known[3] or 0)
local wanted = tonumber(ARGV[2])
-- The other calls that were in progress are refused as well: all of them are one refusal.
if pause <= now then
  if refused < now - FORGIVEN_MS then refusals = 0 end
  wanted = math.max(wanted, math.min(wanted * 2 ^ refusals, tonumber(ARGV[3])))
  wanted = math.floor(wanted * (1 + tonumber(ARGV[4]) / 4))
  redis.call('HSET', KEYS[1], 'refusals', refusals + 1, 'refused', now)
end
pause = math.max(pause, now + wanted)
redis.call('HSET', KEYS[1], 'pause', pause)
redis.call('PEXPIRE', KEYS[1], math.max(172800000, pause - now + 3600000))
return math.ceil(pause - now)
