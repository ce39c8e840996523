-- A process that has calls in progress lives: nobody takes their places. What a server that lost its memory lacks of them, it has again.
--
-- KEYS  alive, then the log of each place
-- ARGV  process, then of each place: slot, free at the latest (ms, by the business clock)

local FORGOTTEN_MS = 3600000

local t = redis.call('TIME')
local real = t[1] * 1000 + math.floor(t[2] / 1000)

redis.call('ZADD', KEYS[1], real, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', real - FORGOTTEN_MS)
for i = 2, #KEYS do
  local slot, latest = ARGV[2 * i - 2], tonumber(ARGV[2 * i - 1])
  if redis.call('ZADD', KEYS[i], 'NX', latest, slot) == 1 then redis.call('PEXPIRE', KEYS[i], FORGOTTEN_MS) end
end
return 1
