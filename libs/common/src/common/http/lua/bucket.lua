-- A bucket of points as it stands; stands before the scripts that take from one. Part of its state (hash): level and when that was so, what
-- the vendor told of its size and of what comes back in a second, and what was ever given back and spent, by which an answer that comes late
-- is known to be late.
local MOST_KEPT_MS = 172800000

local function calls_of(log) return log .. ':calls' end

local function cost_of(slot) return tonumber(string.match(slot, ':(%d+)$') or 0) end

-- `count` points and a `window` in which they come back, as long as the vendor has told no others; `reserve`: the share that always stays.
local function bucket(state, count, window, reserve, now)
  local known = redis.call('HMGET', state, 'level', 'at', 'most', 'restore', 'full', 'returned', 'spent')
  local most, restore = tonumber(known[3] or count), tonumber(known[4] or count * 1000 / window) / 1000
  local reserved = math.ceil(most * reserve - 0.000001)
  local found = {
    ours = math.max(1, most - reserved), reserved = reserved, restore = restore,
    returned = tonumber(known[6] or 0), spent = tonumber(known[7] or 0),
  }
  local level, at = tonumber(known[1] or -1), tonumber(known[2] or now)
  if not known[1] then
    -- Never used by anybody of ours, or after a loss of memory empty at that moment: what was let go before is paid for by then.
    local empty = tonumber(known[5] or 0)
    level, at = empty > 0 and 0 or found.ours, empty > 0 and empty or now
  end
  if at > now then
    -- After a clock that was set back: it goes on from here.
    at = now
    redis.call('HSET', state, 'at', string.format('%.0f', now))
  end
  found.level = math.min(found.ours, level + (now - at) * restore)
  return found
end

local function keep_bucket(state, found, now)
  redis.call('HSET', state, 'level', string.format('%.3f', found.level), 'at', string.format('%.0f', now))
end
