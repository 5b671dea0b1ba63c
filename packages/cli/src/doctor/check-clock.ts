import { type Finding, failed, ok, warning } from './finding.js';
import type { Patient } from './patient.js';

/** DPoP proofs from the future are refused above this. Milliseconds. */
const TOLERABLE = 2000;
const REFUSED = 5000;

const HINT = 'Let NTP set the clocks of all machines (timedatectl, chronyc tracking).';

/** Judges another clock, read between two times of ours. */
export function judgeClock(check: string, before: number, theirs: number, after: number): Finding {
  // Nobody knows when within the exchange it was read.
  const ahead = Math.max(0, theirs - after, before - theirs);
  const text = `${(ahead / 1000).toFixed(1)} s ${theirs > after ? 'ahead of' : 'behind'} ours`;
  if (!Number.isFinite(ahead)) return failed(check, 'tells no time', HINT);
  if (ahead >= REFUSED) return failed(check, text, HINT);
  return ahead >= TOLERABLE ? warning(check, text, HINT) : ok(check, 'agrees with ours');
}

/** `TIME` of Redis: seconds and microseconds. */
async function readRedisTime(redis: object): Promise<number | undefined> {
  const time: unknown = Reflect.get(redis, 'time');
  if (typeof time !== 'function') return undefined;
  const [seconds, micros] = (await time.call(redis)) as [unknown, unknown];
  return Number(seconds) * 1000 + Number(micros) / 1000;
}

/** The clocks of database and Redis, and what the stores have seen, against ours. */
export async function checkClock(patient: Patient): Promise<Finding[]> {
  const { deployment, options, loadSql } = patient;
  const { database, redis } = deployment;
  const findings: Finding[] = [];

  async function compare(check: string, read: () => Promise<number | undefined>): Promise<void> {
    const before = Date.now();
    try {
      const theirs = await read();
      if (theirs !== undefined) findings.push(judgeClock(check, before, theirs, Date.now()));
    } catch {
      findings.push(failed(check, 'could not be read', 'See what is said of the stores.'));
    }
  }

  if (database !== undefined) {
    const sql = await loadSql();
    // A connection first: its making takes time that would pass for a difference.
    await sql.readDatabaseTime(database).catch(() => {});
    await compare('clock.database', () => sql.readDatabaseTime(database));
  }
  // Of a Cluster each node has its own clock; ioredis asks one of them.
  if (redis !== undefined) await compare('clock.redis', () => readRedisTime(redis));

  const [keys, last] = await Promise.all([
    options.stores.signingKeys.list(),
    options.stores.audit.last(),
  ]);
  const seen = Math.max(last?.at ?? 0, ...keys.map(({ createdAt }) => createdAt));
  const behind = seen - Date.now();
  findings.push(
    behind > 60_000
      ? failed(
          'clock.seen',
          `the stores hold times ${Math.round(behind / 1000)} s ahead of us`,
          HINT,
        )
      : ok('clock.seen', 'not behind what the stores have seen'),
  );
  return findings;
}
