import {
  BASE_FIELD_MODULUS,
  bytesToInteger,
  concatBytes,
  decodeBase64url,
  encodeBase64url,
  formatProof,
  integerToBytes,
  OWNERSHIP_CIRCUIT,
  SCALAR_FIELD_MODULUS,
  sessionContext,
} from '@pzk-auth/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ownershipCircuit, type ProofSystem } from '../../src/index.js';
import { createIssuer, ISSUER, type TestIssuer } from '../harness/issuer.js';
import { createWireClient, prove, type WireClient } from '../harness/wire-client.js';

let issuer: TestIssuer;
let client: WireClient;
let verifications: number;

/** The real proof system, with its calls counted. */
function countedCircuit() {
  const circuit = ownershipCircuit();
  const { proofSystem } = circuit;
  const counted: ProofSystem = {
    id: proofSystem.id,
    ready: () => proofSystem.ready(),
    close: () => proofSystem.close(),
    verify: (...args) => {
      verifications++;
      return proofSystem.verify(...args);
    },
  };
  return { ...circuit, proofSystem: counted };
}

beforeAll(async () => {
  verifications = 0;
  issuer = createIssuer({ circuits: [countedCircuit()], deviceFailureLimit: 1000 });
  const { apiKey } = await issuer.verifier.keys.issue({
    scopes: ['weather:read', 'weather:write'],
  });
  client = await createWireClient(issuer, { apiKey });
  expect((await client.enroll()).status).toBe(201);
});
afterAll(() => issuer.verifier.close());

/** Negates A and C... of (A, B, C): (-A, -B, C) is another proof of the same statement. */
function rerandomise(proof: string): string {
  const bytes = decodeBase64url(proof);
  const negate = (offset: number) =>
    integerToBytes(BASE_FIELD_MODULUS - bytesToInteger(bytes.subarray(offset, offset + 32)), 32);
  const altered = concatBytes(
    bytes.subarray(0, 32),
    negate(32),
    bytes.subarray(64, 128),
    negate(128),
    negate(160),
    bytes.subarray(192),
  );
  return formatProof(altered);
}

describe('proof in an exchange', () => {
  it('[P1] a re-randomised proof does not get a second token with the same nonce', async () => {
    const form = await client.tokenForm(await client.challenge('session'));
    expect((await client.post('/token', form)).status).toBe(200);
    const altered = { ...form, proof: rerandomise(form.proof ?? '') };
    expect(altered.proof).not.toBe(form.proof);
    expect((await client.post('/token', altered)).body.code).toBe('invalid_nonce');
  });

  it('[P1] a re-randomised proof does not pass with a fresh nonce', async () => {
    const old = await client.tokenForm(await client.challenge('session'));
    const fresh = await client.tokenForm(await client.challenge('session'));
    const answer = await client.post('/token', { ...fresh, proof: rerandomise(old.proof ?? '') });
    expect(answer.body.code).toBe('invalid_grant');
  });

  it('[P1] honest: a re-randomised proof of an unused exchange is a proof, and gets one token', async () => {
    const form = await client.tokenForm(await client.challenge('session'));
    const altered = { ...form, proof: rerandomise(form.proof ?? '') };
    expect((await client.post('/token', altered)).status).toBe(200);
    expect((await client.post('/token', form)).body.code).toBe('invalid_nonce');
  });

  it('[P2] refuses commitments with r or 2r added', async () => {
    const form = await client.tokenForm(await client.challenge('session'));
    const before = verifications;
    for (const factor of [1n, 2n]) {
      const commitment = (BigInt(client.commitment) + factor * SCALAR_FIELD_MODULUS).toString();
      expect((await client.post('/token', { ...form, commitment })).status).toBe(400);
    }
    expect(verifications).toBe(before);
  });

  it('[P2] honest: the canonical commitment passes', async () => {
    expect((await client.token()).status).toBe(200);
  });

  it('[P6] refuses hostile, unknown and retired circuit ids', async () => {
    const form = await client.tokenForm(await client.challenge('session'));
    const ids = [
      '__proto__',
      'constructor',
      '../x',
      'ownership/v0',
      'ownership/v2',
      'ownership/v1/',
      'OWNERSHIP/V1',
      'membership/v1',
      'toString',
    ];
    for (const circuit of ids) {
      const answer = await client.post('/token', { ...form, circuit });
      expect(answer.status).toBe(400);
      expect(['invalid_request', 'unsupported_circuit']).toContain(answer.body.code);
    }
    expect((await client.post('/token', form)).status).toBe(200);
  });

  it('[P6] honest: ownership/v1 is accepted', async () => {
    expect((await client.token()).status).toBe(200);
  });

  it('[P7] a proof made for another circuit id does not pass under this one', async () => {
    const challenge = await client.challenge('session');
    const form = await client.tokenForm(challenge);
    const credential = JSON.parse(form.credential ?? '') as { id: string };
    const context = sessionContext({
      issuer: ISSUER,
      audience: challenge.audience,
      nonce: challenge.nonce,
      jkt: client.sessionKey.jkt,
      credentialId: credential.id,
      scope: challenge.scope,
      circuitId: 'ownership/v2',
      commitment: client.commitment,
    });
    const proof = formatProof(await prove(client.apiKey, context));
    expect((await client.post('/token', { ...form, proof })).body.code).toBe('invalid_grant');
  });

  it('[P7] honest: a proof under its own circuit id passes', async () => {
    const form = await client.tokenForm(await client.challenge('session'));
    expect(form.circuit).toBe(OWNERSHIP_CIRCUIT);
    expect((await client.post('/token', form)).status).toBe(200);
  });

  it('[P8] refuses an exchange in which one bound field of the envelope changed', async () => {
    const other = await issuer.verifier.keys.issue({ scopes: ['weather:read'] });
    const stranger = await createWireClient(issuer, { apiKey: other.apiKey });
    const form = await client.tokenForm(await client.challenge('session'));
    const foreign = await client.tokenForm(await client.challenge('session'));
    const changes: Record<string, string>[] = [
      { nonce: foreign.nonce ?? '' },
      { commitment: stranger.commitment },
      { proof: foreign.proof ?? '' },
      { credential: foreign.credential ?? '' },
      { scope: 'weather:write' },
      { resource: 'https://other.example.com' },
      { client_id: other.row.id },
      { client_id: 'x' },
    ];
    for (const change of changes) {
      const answer = await client.post('/token', { ...form, ...change });
      expect(answer.status, JSON.stringify(Object.keys(change))).toBe(400);
    }
  });

  it('[P8] refuses a proof whose signal was made over one other bound field', async () => {
    const challenge = await client.challenge('session');
    const form = await client.tokenForm(challenge);
    const credential = JSON.parse(form.credential ?? '') as { id: string };
    const fields = {
      issuer: ISSUER,
      audience: challenge.audience,
      nonce: challenge.nonce,
      jkt: client.sessionKey.jkt,
      credentialId: credential.id,
      scope: challenge.scope,
      circuitId: OWNERSHIP_CIRCUIT,
      commitment: client.commitment,
    };
    const changes: Partial<typeof fields>[] = [
      { issuer: 'https://evil.example.com' },
      { audience: 'https://evil.example.com' },
      { nonce: `${challenge.nonce.slice(0, -1)}_` },
      { jkt: encodeBase64url(new Uint8Array(32)) },
      { credentialId: '' },
      { scope: 'weather:read weather:write' },
    ];
    for (const change of changes) {
      // A fresh exchange each: two failures end a nonce.
      const now = await client.challenge('session');
      const fresh = await client.tokenForm(now);
      const bound = { ...fields, nonce: now.nonce, ...change };
      const proof = formatProof(await prove(client.apiKey, sessionContext(bound)));
      const answer = await client.post('/token', { ...fresh, proof });
      expect(answer.body.code, JSON.stringify(Object.keys(change))).toBe('invalid_grant');
    }
  });

  it('[P8] honest: with each field as bound the exchange passes', async () => {
    const form = await client.tokenForm(await client.challenge('session'));
    const row = await issuer.stores.keys.findByCommitment(client.commitment);
    const full = { ...form, scope: 'weather:read', resource: ISSUER, client_id: row?.id ?? '' };
    expect((await client.post('/token', full)).status).toBe(200);
  });

  it('[P9] scope is a set: order and duplicates bind the same, another set does not', async () => {
    const challenge = await client.challenge('session', {
      scope: 'weather:write weather:read weather:write',
    });
    expect(challenge.scope).toBe('weather:read weather:write');
    const form = await client.tokenForm(challenge);
    const refused = await client.post('/token', { ...form, scope: 'weather:read' });
    expect(refused.body.code).toBe('invalid_scope');
  });

  it('[P9] honest: the same scope in another order passes', async () => {
    const scope = 'weather:write weather:read';
    const form = await client.tokenForm(await client.challenge('session', { scope }));
    expect((await client.post('/token', { ...form, scope })).body.scope).toBe(
      'weather:read weather:write',
    );
  });

  it('[P12] many requests with one nonce and bad proofs cause two verifications', async () => {
    const bad = await client.tokenForm(await client.challenge('session'));
    const foreign = await client.tokenForm(await client.challenge('session'));
    const form = { ...bad, proof: foreign.proof ?? '' };
    const before = verifications;
    for (let index = 0; index < 10; index++) {
      expect((await client.post('/token', form)).status).toBe(400);
    }
    expect(verifications - before).toBe(2);
  });

  it('[P12] parallel requests with one nonce verify one proof at a time', async () => {
    const form = await client.tokenForm(await client.challenge('session'));
    const before = verifications;
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => client.post('/token', form)),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(verifications - before).toBeLessThanOrEqual(2);
  });

  it('[P12] a device that fails again and again is paused, and its budget is its own', async () => {
    const small = createIssuer({ deviceFailureLimit: 3 });
    const first = await small.verifier.keys.issue({ scopes: ['weather:read'] });
    const second = await small.verifier.keys.issue({ scopes: ['weather:read'] });
    const failing = await createWireClient(small, { apiKey: first.apiKey });
    const honest = await createWireClient(small, { apiKey: second.apiKey });
    await failing.enroll();
    await honest.enroll();
    for (let index = 0; index < 3; index++) {
      const form = await failing.tokenForm(await failing.challenge('session'));
      const other = await failing.tokenForm(await failing.challenge('session'));
      const answer = await failing.post('/token', { ...other, proof: form.proof });
      expect(answer.body.code).toBe('invalid_grant');
    }
    const paused = await failing.token();
    expect(paused.status).toBe(429);
    expect(paused.headers.get('retry-after')).not.toBeNull();
    expect((await honest.token()).status).toBe(200);
    await small.verifier.close();
  });

  it('[P12] honest: one failure does not spend the nonce', async () => {
    const form = await client.tokenForm(await client.challenge('session'));
    const foreign = await client.tokenForm(await client.challenge('session'));
    const answer = await client.post('/token', { ...form, proof: foreign.proof ?? '' });
    expect(answer.body.code).toBe('invalid_grant');
    // The counter of `foreign` is ahead, but it was never accepted, so `form` still counts upwards.
    expect((await client.post('/token', form)).status).toBe(200);
  });

  it('[P12] an address that fails again and again is paused', async () => {
    const small = createIssuer({ addressFailureLimit: 2 });
    const { apiKey } = await small.verifier.keys.issue({ scopes: ['weather:read'] });
    const wire = await createWireClient(small, { apiKey });
    const post = (address: string) =>
      wire.post('/token', { grant_type: RENEW, client_id: 'nobody' }, { address });
    expect((await post('192.0.2.1')).status).toBe(400);
    expect((await post('192.0.2.1')).status).toBe(400);
    expect((await post('192.0.2.1')).status).toBe(429);
    expect((await post('192.0.2.2')).status).toBe(400);
    await small.verifier.close();
  });

  it('[H11] unknown and wrong commitments cost the same verification', async () => {
    const headless = await issuer.verifier.keys.issue({
      scopes: ['weather:read'],
      demands: 'none',
    });
    const known = await createWireClient(issuer, { apiKey: headless.apiKey });
    const unknown = await createWireClient(issuer, { apiKey: `pzk_${'a'.repeat(49)}` });
    const work: number[] = [];
    const texts: string[] = [];
    for (const wire of [known, unknown]) {
      const form = await wire.tokenForm(await wire.challenge('session'), { credential: null });
      const foreign = await wire.tokenForm(await wire.challenge('session'), { credential: null });
      const before = verifications;
      const answer = await wire.post('/token', { ...form, proof: foreign.proof ?? '' });
      work.push(verifications - before);
      texts.push(`${answer.status} ${answer.text}`);
    }
    expect(work).toEqual([1, 1]);
    expect(texts[0]).toBe(texts[1]);
  });

  it('[H11] honest: a key that demands nothing more gets a token by its proof', async () => {
    const { apiKey } = await issuer.verifier.keys.issue({
      scopes: ['weather:read'],
      demands: 'none',
    });
    const wire = await createWireClient(issuer, { apiKey });
    const form = await wire.tokenForm(await wire.challenge('session'), { credential: null });
    expect((await wire.post('/token', form)).status).toBe(200);
  });
});

const RENEW = 'urn:pzk-auth:grant-type:renew';
