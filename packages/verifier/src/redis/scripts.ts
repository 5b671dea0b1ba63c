/**
 * Lua scripts: what has to be one atomic step. Each declares its keys, all of one Cluster slot, and
 * takes lifetimes in milliseconds.
 */

/**
 * Local function of the scripts below: the id of this master's replication history, with a hyphen. It
 * fails where the server is no master or hides its replication id.
 */
const HISTORY = `
local function history()
  local info = redis.call('INFO', 'replication')
  local replid = string.match(info, 'master_replid:(%x+)')
  if string.match(info, 'role:(%l+)') ~= 'master' or not replid then
    error('pzk: the server is no master or does not tell its replication id')
  end
  return replid .. '-'
end
`;

/**
 * KEYS: epoch. ARGV: a random marker. Answers the epoch. Where the data was written under another
 * history (a promoted replica, a slot that was moved here) it begins a new one, so that an epoch never
 * returns when a slot does.
 */
export const EPOCH_SCRIPT = `${HISTORY}
local current = history()
local epoch = redis.call('GET', KEYS[1])
if not epoch or string.sub(epoch, 1, #current) ~= current then
  epoch = current .. ARGV[1]
  redis.call('SET', KEYS[1], epoch)
end
return epoch
`;

/**
 * KEYS: record, epoch. ARGV: expected epoch, lifetime. The epoch is compared here, inside, because
 * between a look and a write by the client the master could be another one.
 */
export const CONSUME_SCRIPT = `${HISTORY}
local current = history()
if redis.call('GET', KEYS[2]) ~= ARGV[1] or string.sub(ARGV[1], 1, #current) ~= current then
  return 'stale'
end
if redis.call('SET', KEYS[1], '1', 'PX', ARGV[2], 'NX') then return 'consumed' end
return 'replayed'
`;

/**
 * KEYS: records. ARGV: lifetime. A later revocation never shortens an earlier one. It writes in any
 * case: a WAIT that follows has to cover this call. Answers how many replicas are in step.
 */
export const REVOKE_SCRIPT = `
for _, key in ipairs(KEYS) do
  local left = redis.call('PTTL', key)
  redis.call('SET', key, '1', 'PX', math.max(left, tonumber(ARGV[1])))
end
local _, online = string.gsub(redis.call('INFO', 'replication'), 'state=online', '')
return online
`;

/**
 * KEYS: sum. ARGV: lifetime, amount. The window starts with the first call; never below 0. What counts
 * nothing is deleted: most attempts are given back, and they must not fill the memory.
 */
export const ADD_SCRIPT = `
local amount = tonumber(ARGV[2])
local before = tonumber(redis.call('GET', KEYS[1]) or '0')
if amount < 0 and before + amount <= 0 then
  redis.call('DEL', KEYS[1])
  return 0
end
local sum = redis.call('INCRBY', KEYS[1], amount)
if redis.call('PTTL', KEYS[1]) == -1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return sum
`;
