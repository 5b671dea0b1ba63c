#!/usr/bin/env node
/**
 * `npm run load`: starts the whole deployment and kills parts of it under load. Prints a table; exits
 * with 1 where a token was issued twice, an acknowledged enrolment was lost, a revoked token was
 * accepted, or too little happened to show any of it.
 *
 * PZK_CHAOS_ROUNDS (default 4): how often an API process and a Redis master are killed.
 * PZK_CHAOS_DUPLICATES (default 400): attempts on their way at each blow.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createVerifier, memoryStores } from '@pzk-auth/verifier';
import { postgresDatabase, sqlStores } from '@pzk-auth/verifier/sql';
import { startDeployment } from '../services/deployment.mjs';
import { until } from '../services/processes.mjs';
import { runDuplicates } from './duplicates.mjs';
import { runEnrolments } from './enrolments.mjs';
import { runRevocations } from './revocations.mjs';
import { createMachine, persist } from './wire.mjs';

const ROUNDS = Number(process.env.PZK_CHAOS_ROUNDS ?? 4);
const DUPLICATES = Number(process.env.PZK_CHAOS_DUPLICATES ?? 400);
/** Masters take turns: that of the nonces, that of the revocations. */
const VICTIMS = ['pzk:{nonce}:epoch', 'pzk:{revocation}:any'];

/** Which part of the attempts is answered at the blow: before, during and after the consume. */
const ANSWERED = [0.45, 0, 0.25, 0.01];

const deployment = await startDeployment({
  // All of the load comes from one address.
  environment: { PZK_ADDRESS_FAILURES: '100000' },
});
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => deployment.stop().finally(() => process.exit(1)));
}
const { issuer, instances, redis, databaseUrl, secret } = deployment;
const database = postgresDatabase(databaseUrl);
const durable = sqlStores({ database, issuer });
const operator = createVerifier({
  issuer,
  audience: issuer,
  rpId: 'localhost',
  origins: [issuer],
  scopes: ['weather:read'],
  secret,
  stores: { ...memoryStores(), ...durable },
});

try {
  process.exitCode = (await run()) ? 0 : 1;
} finally {
  await operator.close();
  await database.close();
  await deployment.stop();
}

async function run() {
  const enrolments = runEnrolments({ issuer, operator });
  const revocations = runRevocations({ issuer, operator, instances });
  const rounds = [];
  let failovers = 0;
  await sleep(3_000);
  for (let round = 0; round < ROUNDS; round++) {
    const instance = instances[round % instances.length];
    const slot = VICTIMS[round % VICTIMS.length];
    const master = await redis.masterOf(slot);
    rounds.push(
      await runDuplicates({
        issuer,
        operator,
        count: DUPLICATES,
        answered: DUPLICATES * ANSWERED[round % ANSWERED.length],
        strike: () => Promise.all([instance.kill(), redis.kill(master)]),
      }),
    );
    await until(async () => (await redis.masterOf(slot)).port !== master.port, 'Redis fails over');
    failovers++;
    redis.restart(master);
    await Promise.all([instance.start(), redis.settled()]);
    await serves();
    await sleep(1_000);
  }
  const calm = await runDuplicates({
    issuer,
    operator,
    count: DUPLICATES,
    answered: 0,
    strike: async () => {},
  });
  const revoked = await revocations.finish();
  const enrolled = await enrolments.finish();
  return report({ rounds, calm, failovers, revoked, enrolled, issued: await issuedByKey() });
}

/** Until an honest client is served again. */
async function serves() {
  await until(async () => {
    const machine = await createMachine({ issuer, operator });
    machine.close();
    return true;
  }, 'an honest client is served');
}

/** Counts tokens by key from the audit log, which has also those whose answer was lost. */
async function issuedByKey() {
  const counts = new Map();
  for (let after = 0; ; ) {
    const rows = await persist(() => durable.audit.list({ after, limit: 500 }));
    if (rows.length === 0) return counts;
    for (const { body } of rows) {
      const entry = JSON.parse(body);
      if (entry.type === 'token_issued') counts.set(entry.key, (counts.get(entry.key) ?? 0) + 1);
    }
    after = rows.at(-1).seq;
  }
}

function report({ rounds, calm, failovers, revoked, enrolled, issued }) {
  // One token came with the enrolment of the machine, before the attempts.
  const tokens = rounds.map(({ key }) => (issued.get(key) ?? 0) - 1);
  const inPeace = (issued.get(calm.key) ?? 0) - 1;
  const twice = rounds.filter((round, index) => tokens[index] > 1 || round.tokens > 1).length;
  const unrecorded = rounds.filter((round, index) => round.tokens > tokens[index]).length;
  const least = Math.min(...rounds.map(({ atStrike }) => atStrike));
  const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
  const rows = [
    ['failovers of Redis, with an API process killed each time', failovers, failovers > 0],
    ['duplicate attempts', sum(rounds.map(({ attempts }) => attempts)), true],
    ['  on their way at the blow, at least', least, least >= 200],
    ['  tokens issued, of as many exchanges', `${sum(tokens)} of ${rounds.length}`, true],
    ['  tokens issued where nothing was killed', inPeace, inPeace === 1 && calm.tokens === 1],
    ['  EXCHANGES WITH TWO TOKENS', twice, twice === 0],
    ['  tokens that the audit log does not have', unrecorded, unrecorded === 0],
    ['enrolments acknowledged', enrolled.acknowledged, enrolled.acknowledged > 0],
    ['  not acknowledged', enrolled.failed, true],
    ['  signed in again afterwards', enrolled.sessions, enrolled.sessions > 0],
    ['  LOST', enrolled.lost, enrolled.lost === 0],
    ['revocations acknowledged', revoked.acknowledged, revoked.acknowledged > 0],
    ['  refused (503), to be tried again', revoked.refused, true],
    ['  presentations of revoked tokens answered', revoked.presented, revoked.presented > 0],
    ['  ACCEPTED', revoked.accepted, revoked.accepted === 0],
  ];
  for (const { statuses, atStrike } of rounds) {
    const answers = [...statuses].map(([status, count]) => `${status || 'none'}: ${count}`);
    process.stdout.write(`blow with ${atStrike} on their way; answers ${answers.join(', ')}\n`);
  }
  for (const [what, count, holds] of rows) {
    process.stdout.write(`${holds ? 'ok  ' : 'FAIL'} ${what.padEnd(58)} ${count}\n`);
  }
  return rows.every(([, , holds]) => holds);
}
