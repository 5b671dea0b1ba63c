#!/usr/bin/env node
/** The whole flow in the terminal: a real HTTP server, the real client, an authenticator in software. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, createClient, isPzkError } from '@pzk-auth/client';
import { createSoftwareAuthenticator } from '@pzk-auth/client/testing';
import { openDemoData } from './demo-data.js';
import { type RunningServer, startServer } from './start.js';

const SCOPE = ['weather:read', 'weather:write'];

let failures = 0;
let started = performance.now();

/** Prints a line with the time since the line before. */
function report(ok: boolean, title: string, detail: string): void {
  const now = performance.now();
  const time = `${Math.round(now - started)} ms`.padStart(7);
  process.stdout.write(`  ${ok ? 'ok  ' : 'FAIL'} ${time}  ${title.padEnd(34)} ${detail}\n`);
  if (!ok) failures++;
  started = performance.now();
}

function section(title: string): void {
  process.stdout.write(`\n${title}\n`);
  started = performance.now();
}

/** What a listener on the wire would have. */
interface Recording {
  readonly url: string;
  readonly headers: Headers;
  readonly body: string;
}

function createRecorder() {
  const sent: Recording[] = [];
  const received: string[] = [];
  const recordedFetch: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    const body = await request.clone().text();
    sent.push({ url: request.url, headers: request.headers, body });
    const response = await fetch(request);
    if (/json/.test(response.headers.get('content-type') ?? '')) {
      received.push(await response.clone().text());
    }
    return response;
  };
  return { sent, received, fetch: recordedFetch };
}

async function describe(response: Response): Promise<string> {
  const body = (await response.json().catch(() => ({}))) as { code?: string; title?: string };
  return [response.status, body.code, body.title].filter(Boolean).join(' ');
}

function codeOf(error: unknown): string {
  return isPzkError(error) ? error.code : String(error);
}

/** Prints each step of a ceremony when it is over. */
function followSteps(
  observable: Pick<Client, 'subscribe'>,
  readStatus: () => string,
  titles: Readonly<Record<string, readonly [string, string]>>,
): () => void {
  let current = '';
  return observable.subscribe(() => {
    const status = readStatus();
    if (status === current) return;
    const title = titles[current];
    if (title !== undefined) report(status !== 'failed', ...title);
    current = status;
  });
}

/** The session of the enrolment stays active meanwhile and has the steps of the start beside it. */
function readSessionStep(client: Client): string {
  const state = client.getSnapshot();
  return (state.status === 'active' && state.stepUp ? state.stepUp : state).status;
}

const ENROLL_STEPS = {
  challenge: ['challenge', 'a nonce; the server stores nothing for it'],
  'creating-passkey': ['passkey made', 'ES256, user verified'],
  'confirming-passkey': ['passkey confirmed', 'PRF gives the same secret twice'],
  sealing: ['vault sealed', 'the key, encrypted under the passkey'],
  proving: ['proof made', 'Groth16, bound to nonce, key pair, device and vault'],
  exchanging: ['device enrolled', 'a token, and the nonce is used up'],
} as const;
const SESSION_STEPS = {
  challenge: ['challenge', 'another nonce'],
  passkey: ['passkey', 'one touch: assertion and PRF secret'],
  decrypting: ['vault opened', 'on the device'],
  proving: ['proof made', 'zero-knowledge'],
  exchanging: ['token', 'bound to a key pair of this device'],
} as const;

async function run(
  running: RunningServer,
  skipTime: (seconds: number) => void,
  clock: () => number,
) {
  const { origin, demoKey, verifier } = running;
  const wire = createRecorder();
  const client = createClient({
    issuer: origin,
    scope: SCOPE,
    authenticator: createSoftwareAuthenticator({ origin }),
    fetch: wire.fetch,
    clock,
  });
  const get = () => client.fetch(`${origin}/api/weather`);
  const post = () =>
    client.fetch(`${origin}/api/reports`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text: 'Fog has lifted.' }),
    });

  try {
    section('Enrol a device, once');
    report(true, 'API key issued', `${demoKey.apiKey.slice(0, 8)}…, shown once`);
    const { enrollment } = client;
    const readEnrollment = () => enrollment.getSnapshot().status;
    const unfollow = followSteps(enrollment, readEnrollment, ENROLL_STEPS);
    await client.enroll({
      apiKey: demoKey.apiKey,
      user: { name: 'weather-desk', displayName: 'Weather desk' },
    });
    unfollow();
    const first = await get();
    report(first.status === 200, 'GET /api/weather', `${first.status}`);

    section('Start a session, with one touch');
    const unfollowSession = followSteps(client, () => readSessionStep(client), SESSION_STEPS);
    await client.start();
    unfollowSession();
    const second = await get();
    report(second.status === 200, 'GET /api/weather', `${second.status}`);
    await client.renew();
    const renewed = await get();
    report(renewed.status === 200, 'renewed without a touch, called', `${renewed.status}`);

    section('Misuse is refused');
    const exchange = wire.sent.findLast(({ url, body }) => {
      return url.endsWith('/pzk/token') && body.includes('proof=');
    });
    if (exchange === undefined) throw new Error('No exchange went over the wire.');
    const { url, headers, body } = exchange;
    const replayed = await fetch(url, { method: 'POST', headers, body });
    report(replayed.status === 400, 'exchange replayed: refused', await describe(replayed));
    const call = wire.sent.findLast((one) => one.url.endsWith('/api/weather'));
    const token = call?.headers.get('authorization')?.replace(/^DPoP /, '') ?? '';
    const bare = await fetch(`${origin}/api/weather`, {
      headers: { authorization: `DPoP ${token}` },
    });
    report(bare.status === 401, 'token without its key: refused', await describe(bare));
    const repeated = await fetch(`${origin}/api/weather`, { headers: call?.headers ?? {} });
    report(repeated.status === 401, 'call replayed: refused', await describe(repeated));

    section('Step up: writing needs a recent touch');
    skipTime(121);
    const stale = await post().then(describe, codeOf);
    report(stale === 'insufficient_user_authentication', 'POST /api/reports, 121 s later', stale);
    await client.start();
    report(client.getSnapshot().status === 'active', 'touched the passkey again', '');
    const fresh = await post();
    report(fresh.status === 201, 'POST /api/reports', `${fresh.status}`);

    section('Revoke');
    await client.signOut();
    report(client.getSnapshot().status === 'signed-out', 'signed out', 'token revoked');
    await client.start();
    const again = await get();
    report(again.status === 200, 'signed in again, called', `${again.status}`);
    const [device] = await verifier.devices.list(demoKey.account);
    await verifier.devices.revoke(device?.id ?? '');
    const revoked = await get().then(describe, codeOf);
    report(revoked === 'session_expired', 'device revoked, call: refused', revoked);
    const restart = await client.start().then(() => 'a session', codeOf);
    report(restart === 'invalid_grant', 'new session: refused', restart);

    section('Where is the key?');
    const secret = demoKey.apiKey.slice(demoKey.apiKey.lastIndexOf('_') + 1);
    const travelled = [
      ...wire.sent.map((one) => one.url + one.body + JSON.stringify([...one.headers])),
      ...wire.received,
    ].join('\n');
    report(!travelled.includes(secret), 'not on the wire', `${travelled.length} bytes searched`);
    const files = readdirSync(directory).map((name) =>
      readFileSync(join(directory, name), 'latin1'),
    );
    const stored = files.join('\n');
    const kept = stored.includes(demoKey.id) && !stored.includes(secret);
    report(kept, 'not in the database files', `${stored.length} bytes searched`);
  } finally {
    client.close();
  }
}

let skipped = 0;
const clock = () => Date.now() + skipped * 1000;
process.stdout.write('PZK-Auth: the whole flow over HTTP, with an authenticator in software\n');
const directory = mkdtempSync(join(tmpdir(), 'pzk-demo-'));
const data = openDemoData(directory);
const running = await startServer({ port: 0, data, verifier: { clock } });
try {
  await run(running, (seconds) => (skipped += seconds), clock);
} catch (error) {
  report(false, 'broke off', error instanceof Error ? (error.stack ?? error.message) : '');
} finally {
  await running.close();
  await data.close();
  rmSync(directory, { recursive: true, force: true });
}
process.stdout.write(failures === 0 ? '\nAll of it works.\n' : `\n${failures} failed.\n`);
process.exitCode = failures === 0 ? 0 : 1;
