#!/usr/bin/env node
/**
 * `npm run rotate`: starts the whole deployment and rotates, by the commands of an operator, signing keys
 * and API keys while machines call. Prints a table; exits with 1 where a request was refused that should
 * not have been, or where a removed signing key or an ended API key was accepted by any instance.
 *
 * PZK_CHAOS_ROUNDS (default 4): how often everything is rotated.
 */
import { execFile } from 'node:child_process';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createVerifier, memoryStores } from '@pzk-auth/verifier';
import { postgresDatabase, sqlStores } from '@pzk-auth/verifier/sql';
import { startDeployment } from '../services/deployment.mjs';
import { until } from '../services/processes.mjs';
import { attempt, callWeather, createMachine, dpop, send } from './wire.mjs';

const ROUNDS = Number(process.env.PZK_CHAOS_ROUNDS ?? 4);
const MACHINES = 4;
/** What `npx pzk-auth` starts. */
const CLI = fileURLToPath(new URL('main.js', import.meta.resolve('@pzk-auth/cli')));
const EXAMPLE = dirname(dirname(fileURLToPath(import.meta.url)));
/** What a token is used for, at most. Milliseconds; it lives 5 minutes. */
const TOKEN_LIFETIME = 280_000;

const deployment = await startDeployment({
  // Nothing is killed here: an answer that a busy machine keeps waiting is no refusal.
  environment: { PZK_ADDRESS_FAILURES: '100000', REDIS_TIMEOUT: '10000' },
});
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => deployment.stop().finally(() => process.exit(1)));
}
const { issuer, instances, databaseUrl, secret } = deployment;
const database = postgresDatabase(databaseUrl);
const operator = createVerifier({
  issuer,
  audience: issuer,
  rpId: 'localhost',
  origins: [issuer],
  scopes: ['weather:read'],
  secret,
  stores: { ...memoryStores(), ...sqlStores({ database, issuer }) },
});

const counts = {
  exchanges: 0,
  renewals: 0,
  calls: 0,
  refusals: [],
  ended: 0,
  accepted: 0,
  signedLate: 0,
};
const kids = new Set();
/** The signing key and the API key that an operator ended, with the time of the command's end. */
const ended = new Map();

try {
  process.exitCode = (await run()) ? 0 : 1;
} finally {
  await operator.close();
  await database.close();
  await deployment.stop();
}

async function command(...args) {
  const { stdout } = await promisify(execFile)(process.execPath, [CLI, ...args, '--json'], {
    cwd: EXAMPLE,
    env: deployment.environment,
  });
  return JSON.parse(stdout);
}

function kidOf(accessToken) {
  const [header] = accessToken.split('.');
  return JSON.parse(Buffer.from(header, 'base64url').toString()).kid;
}

/** Counts an answer; `by` are the keys that it stands on. */
function judge(what, { status, text }, { by, sentAt }) {
  const ends = by.filter((key) => ended.has(key));
  if (ends.length === 0) {
    if (status !== 200) counts.refusals.push(`${what}: ${status} ${text}`);
    return status === 200;
  }
  // While the command runs, either answer is right.
  if (ends.some((key) => sentAt > ended.get(key))) {
    counts.ended++;
    if (status === 200) counts.accepted++;
  }
  return status === 200;
}

async function renew({ keyPair }, clientId) {
  const url = `${issuer}/pzk/token`;
  const form = { grant_type: 'urn:pzk-auth:grant-type:renew', client_id: clientId };
  return send(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      dpop: await dpop(keyPair, { method: 'POST', url }),
    },
    body: new URLSearchParams(form).toString(),
  });
}

/** A machine at work: it exchanges, renews, and calls every instance with its newest and oldest token. */
async function startMachine() {
  const machine = await createMachine({ issuer, operator });
  const state = { id: machine.key, apiKey: machine.apiKey, stopped: false };
  const tokens = [];

  function keep(what, answer, { id, sentAt }) {
    if (!judge(what, answer, { by: [id], sentAt })) return;
    const accessToken = JSON.parse(answer.text).access_token;
    const kid = kidOf(accessToken);
    kids.add(kid);
    if (sentAt > ended.get(kid)) counts.signedLate++;
    tokens.push({ accessToken, id, by: [kid, id], at: Date.now() });
  }

  async function exchange() {
    const { id, apiKey } = state;
    const sentAt = Date.now();
    const body = await machine.prepareExchange(apiKey);
    if (body === undefined) return counts.refusals.push('challenge: no answer');
    const answer = await (await attempt({ issuer, keyPair: machine.keyPair, body }))();
    counts.exchanges++;
    keep('exchange', answer, { id, sentAt });
    const again = Date.now();
    counts.renewals++;
    keep('renewal', await renew(machine, id), { id, sentAt: again });
  }

  async function call(token) {
    await Promise.all(
      instances.map(async ({ address }) => {
        const sentAt = Date.now();
        const { keyPair } = machine;
        const { accessToken } = token;
        const answer = await callWeather({ issuer, address, keyPair, accessToken });
        counts.calls++;
        judge('call', answer, { by: token.by, sentAt });
      }),
    );
  }

  state.done = (async () => {
    while (!state.stopped) {
      await exchange();
      while (tokens[0] !== undefined && Date.now() - tokens[0].at > TOKEN_LIFETIME) tokens.shift();
      for (const token of new Set([tokens[0], tokens.at(-1)])) {
        if (token !== undefined) await call(token);
      }
    }
    // Everything that it still holds, after all that was ended.
    for (const token of tokens) await call(token);
    machine.close();
  })();
  return state;
}

async function run() {
  const machines = [];
  for (let index = 0; index < MACHINES; index++) machines.push(await startMachine());
  await sleep(2_000);
  for (let round = 0; round < ROUNDS; round++) {
    const { signingKey } = await command('signing-keys', 'rotate', '--active-in', '2s');
    for (const [index, machine] of machines.entries()) {
      // Some take the new key at once; the others go on with the old one in its grace, until the next.
      Object.assign(machine, machine.waiting);
      const { apiKey, key } = await command('keys', 'rotate', machine.id, '--grace', '1h');
      machine.waiting = { id: key.id, apiKey };
      if ((index + round) % 2 === 0) Object.assign(machine, machine.waiting);
    }
    // An instance looks for new keys once a minute.
    await until(async () => kids.has(signingKey.kid), 'the new key signs', 120_000);
  }

  const { signingKeys } = await command('signing-keys', 'list');
  const { kid } = signingKeys.find(({ status }) => status === 'active');
  ended.set(kid, Number.POSITIVE_INFINITY);
  await command('signing-keys', 'remove', kid);
  ended.set(kid, Date.now());
  const held = kids.has(kid);
  await sleep(3_000);

  const [first] = machines;
  Object.assign(first, first.waiting);
  await sleep(1_000);
  const { id } = first;
  ended.set(id, Number.POSITIVE_INFINITY);
  const { apiKey, key } = await command('keys', 'rotate', id, '--grace', '0');
  ended.set(id, Date.now());
  await sleep(2_000);
  Object.assign(first, { id: key.id, apiKey });
  await sleep(2_000);

  for (const machine of machines) machine.stopped = true;
  await Promise.all(machines.map(({ done }) => done));
  return report({ held, published: signingKeys.length });
}

function report({ held, published }) {
  const { refusals, exchanges, renewals, calls, accepted, signedLate } = counts;
  const rows = [
    ['rotations of the signing key, and of every API key', ROUNDS, ROUNDS > 0],
    ['  signing keys published at the end of them', published, published > 1],
    ['exchanges with a proof', exchanges, exchanges > 0],
    ['renewals', renewals, renewals > 0],
    ['protected calls, at each instance', calls, calls > 0],
    ['  FALSE REFUSALS', refusals.length, refusals.length === 0],
    ['requests on a removed signing key or an ended API key', counts.ended, counts.ended > 0],
    ['  ACCEPTED', accepted, accepted === 0],
    ['  the removed key had signed tokens', held, held],
    ['  TOKENS SIGNED WITH IT AFTER ITS REMOVAL', signedLate, signedLate === 0],
  ];
  for (const refusal of new Set(refusals)) process.stdout.write(`refused: ${refusal}\n`);
  for (const [what, count, holds] of rows) {
    process.stdout.write(`${holds ? 'ok  ' : 'FAIL'} ${what.padEnd(58)} ${count}\n`);
  }
  return rows.every(([, , holds]) => holds);
}
