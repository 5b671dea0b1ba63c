/**
 * Lua scripts: what has to be one atomic step. Each declares its keys, all of one Cluster slot, and
 * takes lifetimes in milliseconds.
 */

/**
 * Local function of the scripts below: the identity of this master's history. It fails where the
 * server is no master or hides its replication id; `''` stands for a database that was emptied.
 */
const CURRENT_EPOCH = `
local function current_epoch(marker_key)
  local info = redis.call('INFO', 'replication')
  local replid = string.match(info, 'master_replid:(%x+)')
  if string.match(info, 'role:(%l+)') ~= 'master' or not replid then
    error('pzk: the server is no master or does not tell its replication id')
  end
  local marker = redis.call('GET', marker_key)
  return marker and replid .. '-' .. marker or ''
end
`;

/**
 * KEYS: marker. ARGV: a random marker, written if there is none; `1` to accept eviction. Answers the
 * epoch, or `evicts` where the server may drop live records.
 */
export const EPOCH_SCRIPT = `${CURRENT_EPOCH}
local memory = redis.call('INFO', 'memory')
local bounded = (string.match(memory, 'maxmemory:(%d+)') or '0') ~= '0'
if bounded and string.match(memory, 'maxmemory_policy:([%w-]+)') ~= 'noeviction' and ARGV[2] ~= '1' then
  return 'evicts'
end
redis.call('SET', KEYS[1], ARGV[1], 'NX')
return current_epoch(KEYS[1])
`;

/**
 * KEYS: record, marker. ARGV: expected epoch, lifetime. The epoch is compared here, inside, because
 * between a look and a write by the client the master could be another one.
 */
export const CONSUME_SCRIPT = `${CURRENT_EPOCH}
if current_epoch(KEYS[2]) ~= ARGV[1] then return 'stale' end
if redis.call('SET', KEYS[1], '1', 'PX', ARGV[2], 'NX') then return 'consumed' end
return 'replayed'
`;

/** KEYS: records. ARGV: lifetime. A later revocation never shortens an earlier one. */
export const REVOKE_SCRIPT = `
for _, key in ipairs(KEYS) do
  local left = redis.call('PTTL', key)
  if left == -2 or (left >= 0 and left < tonumber(ARGV[1])) then
    redis.call('SET', key, '1', 'PX', ARGV[1])
  end
end
return #KEYS
`;

/** KEYS: sum. ARGV: lifetime. The window starts with the first call. */
export const ADD_SCRIPT = `
local sum = redis.call('INCR', KEYS[1])
if redis.call('PTTL', KEYS[1]) == -1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return sum
`;
