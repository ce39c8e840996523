-- Marks a limit as known to this run of the server; only the first one to say so is heard.
--
-- KEYS  state, log    ARGV  active until (ms), counts as full until (ms; of points: counts as empty at)

local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
if redis.call('HGET', KEYS[1], 'run') == run then return 0 end
redis.call('HSET', KEYS[1], 'run', run, 'until', ARGV[1], 'full', ARGV[2], 'left', 0, 'rest', 0, 'tat', 0, 'last', 0)
redis.call('HDEL', KEYS[1], 'cap', 'level', 'at', 'most', 'restore')
redis.call('DEL', KEYS[2] .. ':calls')
redis.call('PEXPIRE', KEYS[1], 172800000)
return 1
