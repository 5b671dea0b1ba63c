import { randomBytes } from 'node:crypto';
import { computeCommitment, formatApiKey, parseApiKey } from '@pzk-auth/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cases } from './cases.js';
import { type Host, ISSUER, type RunningHost } from './host.js';
import { expressHost } from './hosts/express.js';
import { nestOnExpressHost, nestOnFastifyHost } from './hosts/nest.js';
import { nextHost } from './hosts/next.js';
import { normalize } from './normalize.js';
import { createPeer, type Peer } from './peer.js';
import type { RawAnswer } from './raw-http.js';

/** The first one is what the others are compared with. */
const hosts: readonly Host[] = [expressHost, nestOnExpressHost, nestOnFastifyHost, nextHost];

const apiKey = formatApiKey('pzk', Uint8Array.from(randomBytes(32)));
const commitment = computeCommitment(parseApiKey(apiKey), ISSUER);
const reference = new Map<string, RawAnswer>();

describe.each(hosts.map((host) => [host.name, host] as const))('%s', (_, host) => {
  let running: RunningHost;
  let peer: Peer;

  beforeAll(async () => {
    running = await host.start([commitment]);
    peer = await createPeer(running.port, apiKey, 'weather:read weather:write');
    // Next.js is built first.
  }, 300_000);
  afterAll(() => running?.close());

  it.each(cases.map((one) => [one.name, one] as const))('%s', async (name, one) => {
    const answer = normalize(await one.run(peer), host.vary);
    const other = host.differs?.[name];
    if (other !== undefined) return expect(answer.status).toBe(other);
    expect(answer.status, answer.body).toBe(one.status);
    if (one.code !== undefined) {
      expect(JSON.parse(answer.body)).toMatchObject({ code: one.code, status: one.status });
    }
    if (host === hosts[0]) reference.set(name, answer);
    else expect(answer).toEqual(reference.get(name));
  });
});
