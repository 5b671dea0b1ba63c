/** The whole flow in the terminal: the API over HTTP, the real client, an authenticator in software. */
import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { createClient, isPzkError } from '@pzk-auth/client';
import { createSoftwareAuthenticator } from '@pzk-auth/client/testing';
import { PzkService } from '@pzk-auth/nestjs';
import { createApp } from './create-app.js';
import { SCOPES } from './scopes.js';

let failures = 0;

function report(ok: boolean, title: string, detail: unknown): void {
  process.stdout.write(`  ${ok ? 'ok  ' : 'FAIL'}  ${title.padEnd(40)} ${detail}\n`);
  if (!ok) failures++;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** The status of a call, or the code of the error that the client made of it. */
async function outcome(call: Promise<Response>): Promise<number | string> {
  return call.then(
    ({ status }) => status,
    (error: unknown) => (isPzkError(error) ? error.code : String(error)),
  );
}

async function run(origin: string, { verifier }: PzkService): Promise<void> {
  const { apiKey, row } = await verifier.keys.issue({ scopes: SCOPES });
  const sent: string[] = [];
  const calls: Request[] = [];
  const client = createClient({
    issuer: origin,
    scope: SCOPES,
    authenticator: createSoftwareAuthenticator({ origin }),
    fetch: async (input, init) => {
      const request = new Request(input, init);
      calls.push(request.clone());
      sent.push(
        request.url + JSON.stringify([...request.headers]) + (await request.clone().text()),
      );
      const response = await fetch(request);
      if (/json/.test(response.headers.get('content-type') ?? '')) {
        sent.push(await response.clone().text());
      }
      return response;
    },
  });
  const get = (path: string) => outcome(client.fetch(origin + path));
  const post = (text: string) =>
    outcome(
      client.fetch(`${origin}/reports`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ text }),
      }),
    );
  const expectOutcome = async (title: string, call: Promise<number | string>, wanted: unknown) => {
    const got = await call;
    report(got === wanted, title, got);
  };

  try {
    await expectOutcome('GET / needs nobody', outcome(fetch(origin)), 200);
    await expectOutcome('GET /health/ready', outcome(fetch(`${origin}/health/ready`)), 200);
    await expectOutcome('GET /weather without a token', outcome(fetch(`${origin}/weather`)), 401);
    await expectOutcome('GET /me, of which nothing was said', outcome(fetch(`${origin}/me`)), 401);

    await client.enroll({ apiKey, user: { name: 'weather', displayName: 'Weather' } });
    report(true, 'enrolled a device', 'the key stays on it');
    await expectOutcome('GET /weather', get('/weather'), 200);
    await expectOutcome('GET /me', get('/me'), 200);
    await expectOutcome('POST /reports', post('Fog has lifted.'), 201);
    await expectOutcome('POST /reports without text', post(' '), 400);

    const call = calls.findLast(({ url }) => url === `${origin}/weather`);
    const again = fetch(`${origin}/weather`, { headers: call?.headers ?? {} });
    await expectOutcome('the same call again: refused', outcome(again), 401);
    await client.signOut();
    await client.start();
    await expectOutcome('signed in with the passkey, called', get('/weather'), 200);
    const [device] = await verifier.devices.list(row.account);
    await verifier.devices.revoke(device?.id ?? '');
    await expectOutcome('device revoked, call: refused', get('/weather'), 'session_expired');

    const secret = apiKey.slice(apiKey.lastIndexOf('_') + 1);
    const travelled = sent.join('\n');
    report(
      !travelled.includes(secret),
      'the key went nowhere',
      `${travelled.length} bytes searched`,
    );
  } finally {
    client.close();
  }
}

process.stdout.write('PZK-Auth with NestJS: the whole flow over HTTP\n');
const port = await freePort();
Object.assign(process.env, { PORT: String(port), ORIGIN: `http://localhost:${port}` });
const app = await createApp(['error']);
await app.listen(port, '127.0.0.1');
try {
  await run(`http://localhost:${port}`, app.get(PzkService));
} catch (error) {
  report(false, 'broke off', error instanceof Error ? error.stack : error);
} finally {
  await app.close();
}
process.stdout.write(failures === 0 ? '\nAll of it works.\n' : `\n${failures} failed.\n`);
process.exitCode = failures === 0 ? 0 : 1;
