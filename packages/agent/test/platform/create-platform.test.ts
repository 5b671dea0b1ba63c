import { agentUsesResponseSchema, encodeBase64url } from '@pzk-auth/protocol';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { describe, expect, it } from 'vitest';
import {
  generateAgentKeyPem,
  importAgentKey,
  verifySignature,
} from '../../src/platform/agent-key.js';
import { createPlatform } from '../../src/platform/create-platform.js';

const BASE = 'https://platform.example/pzk';
const ID = encodeBase64url(new Uint8Array(16));
type Reply = (proof: string, url: string) => Response;

async function setUp(replies: readonly Reply[]) {
  const key = await importAgentKey(generateAgentKeyPem());
  const proofs: string[] = [];
  const fetch = async (url: unknown, init?: RequestInit) => {
    const proof = new Headers(init?.headers).get('dpop') ?? '';
    proofs.push(proof);
    const reply = replies[proofs.length - 1];
    if (reply === undefined) throw new TypeError('fetch failed');
    return reply(proof, String(url));
  };
  return { platform: createPlatform({ baseUrl: BASE, key, fetch }), proofs, key };
}

const json = (value: object, init: ResponseInit = {}) => new Response(JSON.stringify(value), init);
const problem = (code: string, headers: Record<string, string> = {}) =>
  json(
    { type: 'about:blank', title: 'Refused.', status: 401, code },
    { status: 401, headers: { 'content-type': 'application/problem+json', ...headers } },
  );
const ask = (platform: Awaited<ReturnType<typeof setUp>>['platform']) =>
  platform.post('/agent/uses', { id: ID }, agentUsesResponseSchema);
const NOTHING_NEW = { ended: false, identity_key: encodeBase64url(new Uint8Array(65).fill(4)) };

describe('requests to the platform', () => {
  it('carries a DPoP proof of the agent key for this very request', async () => {
    const { platform, proofs, key } = await setUp([() => json(NOTHING_NEW)]);
    expect(await ask(platform)).toEqual(NOTHING_NEW);
    const [proof = ''] = proofs;
    expect(decodeJwt(proof)).toMatchObject({ htm: 'POST', htu: `${BASE}/agent/uses` });
    const { typ, alg, jwk } = decodeProtectedHeader(proof);
    expect({ typ, alg, jwk: Object.keys(jwk ?? {}).sort() }).toEqual({
      ...{ typ: 'dpop+jwt', alg: 'ES256', jwk: ['crv', 'kty', 'x', 'y'] },
    });
    expect(encodeBase64url(key.publicKey.slice(1, 33))).toBe(jwk?.x);
    const message = new Uint8Array([1, 2, 3]);
    expect(await verifySignature(key.publicKey, await key.sign(message), message)).toBe(true);
  });

  it('repeats once with the nonce that is asked for, and no more', async () => {
    const asked = () => problem('use_dpop_nonce', { 'dpop-nonce': 'n-1' });
    const { platform, proofs } = await setUp([asked, () => json(NOTHING_NEW)]);
    expect(await ask(platform)).toEqual(NOTHING_NEW);
    expect(decodeJwt(proofs[1] ?? '')).toMatchObject({ nonce: 'n-1' });
    const stubborn = await setUp([asked, asked, asked]);
    await expect(ask(stubborn.platform)).rejects.toMatchObject({ code: 'use_dpop_nonce' });
    expect(stubborn.proofs).toHaveLength(2);
  });

  it('takes the time of the platform where its proof was refused for another', async () => {
    const ahead = new Date(Date.now() + 3_600_000).toUTCString();
    const { platform, proofs } = await setUp([
      () => problem('invalid_dpop_proof', { date: ahead }),
      () => json(NOTHING_NEW),
    ]);
    await ask(platform);
    const [first = 0, second = 0] = proofs.map((proof) => Number(decodeJwt(proof).iat));
    expect(second - first).toBeGreaterThan(3500);
  });

  it('has a code for every failure', async () => {
    const cases: readonly [Reply | undefined, string][] = [
      [undefined, 'network_error'],
      [() => new Response('<html>', { status: 502 }), 'unexpected_response'],
      [() => json({ ended: 'no' }), 'unexpected_response'],
      [() => new Response('x'.repeat(70_000)), 'unexpected_response'],
      [() => problem('not_found'), 'not_found'],
    ];
    for (const [reply, code] of cases) {
      const { platform } = await setUp(reply === undefined ? [] : [reply]);
      await expect(ask(platform)).rejects.toMatchObject({ code });
    }
  });
});

describe('events of the platform', () => {
  async function read(chunks: readonly string[]) {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const chunk of chunks) controller.enqueue(new TextEncoder().encode(chunk));
        controller.close();
      },
    });
    const { platform } = await setUp([() => new Response(body)]);
    const events: unknown[] = [];
    for await (const event of platform.events(new AbortController().signal)) events.push(event);
    return events;
  }
  const data = JSON.stringify({ id: ID, status: 'released' });

  it('come as they are sent, comments and other events aside, however they are cut', async () => {
    const text = `:\n\nevent: request\ndata: ${data}\n\nevent: other\ndata: {}\n\r\n: x\r\nevent:request\r\ndata:${data}\r\n\r\n`;
    const expected = ['open', JSON.parse(data), JSON.parse(data)];
    expect(await read([text])).toEqual(expected);
    expect(await read([...text])).toEqual(expected);
    for (let at = 1; at < text.length; at++) {
      expect(await read([text.slice(0, at), text.slice(at)])).toEqual(expected);
    }
  });

  it('refuses an event without an end, and one that is malformed', async () => {
    await expect(read(['x'.repeat(70_000)])).rejects.toThrow(RangeError);
    await expect(read(['event: request\ndata: {"id": 1}\n\n'])).rejects.toMatchObject({
      code: 'invalid_request',
    });
  });
});

describe('signing keys', () => {
  it('takes a P-256 key in PEM, and says nothing of others', async () => {
    const pem = generateAgentKeyPem();
    expect((await importAgentKey(Buffer.from(pem))).publicKey).toHaveLength(65);
    for (const text of ['', 'not a key', pem.replace('PRIVATE', 'PUBLIC'), pem.slice(0, 90)]) {
      await expect(importAgentKey(text)).rejects.toThrow(
        new TypeError('The signing key is no P-256 key in PKCS #8 (PEM).'),
      );
    }
  });
});
