import { createPrivateKey, generateKeyPairSync, sign as nodeSign } from 'node:crypto';
import { createLocalJWKSet, exportJWK, generateKeyPair, type JWK, jwtVerify } from 'jose';
import { describe, expect, it } from 'vitest';
import { type ExternalSigner, memoryStores, type Stores } from '../src/index.js';
import { createIssuer, ISSUER, type TestIssuer } from './harness/issuer.js';
import { createWireClient, send } from './harness/wire-client.js';

const secret = 'a secret for tests: 0123456789 abcdef XYZ';
const MINUTE = 60_000;

async function privateJwk(alg: 'ES256' | 'EdDSA'): Promise<JWK> {
  return exportJWK((await generateKeyPair(alg, { extractable: true })).privateKey);
}

/** A signer as a KMS is one: it alone holds the private key. */
async function createSigner(alg: 'ES256' | 'EdDSA'): Promise<ExternalSigner & { calls: number }> {
  const jwk = await privateJwk(alg);
  const key = createPrivateKey({ key: jwk as Record<string, string>, format: 'jwk' });
  const { kty, crv, x, y } = jwk;
  const signer = {
    calls: 0,
    alg,
    publicJwk: { kty, crv, x, y },
    kid: `kms-${alg}`,
    async sign(bytes: Uint8Array) {
      signer.calls++;
      return nodeSign(alg === 'ES256' ? 'sha256' : null, bytes, { key, dsaEncoding: 'ieee-p1363' });
    },
  };
  return signer;
}

async function getToken(issuer: TestIssuer): Promise<string> {
  const { apiKey } = await issuer.verifier.keys.issue({ scopes: ['weather:read'] });
  const { status, body } = await (await createWireClient(issuer, { apiKey })).enroll();
  expect(status).toBe(201);
  return body.access_token;
}

async function verifyElsewhere(issuer: TestIssuer, token: string) {
  const jwks = await send(issuer, new Request(`${ISSUER}/pzk/jwks.json`));
  return jwtVerify(token, createLocalJWKSet(jwks.body), { issuer: ISSUER, audience: ISSUER });
}

describe('keys of the configuration', () => {
  it('signs with a JWK, a PEM of each form and an external signer, of both algorithms', async () => {
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    const ed = generateKeyPairSync('ed25519').privateKey;
    const inputs = [
      { key: await privateJwk('ES256'), alg: 'ES256' },
      { key: await privateJwk('EdDSA'), alg: 'EdDSA' },
      { key: { ...(await privateJwk('ES256')), kid: 'named' }, alg: 'ES256', kid: 'named' },
      { key: ec.export({ type: 'sec1', format: 'pem' }) as string, alg: 'ES256' },
      { key: ec.export({ type: 'pkcs8', format: 'pem' }) as string, alg: 'ES256' },
      { key: ed.export({ type: 'pkcs8', format: 'pem' }) as string, alg: 'EdDSA' },
      { key: await createSigner('ES256'), alg: 'ES256', kid: 'kms-ES256' },
      { key: await createSigner('EdDSA'), alg: 'EdDSA', kid: 'kms-EdDSA' },
    ];
    for (const { key, alg, kid } of inputs) {
      const issuer = createIssuer({ signing: { keys: [key] } });
      const { protectedHeader } = await verifyElsewhere(issuer, await getToken(issuer));
      expect(protectedHeader).toMatchObject({ alg, typ: 'at+jwt', ...(kid && { kid }) });
      expect(await issuer.verifier.signingKeys.list()).toMatchObject([
        { alg, kid: protectedHeader.kid, status: 'active', origin: 'configured' },
      ]);
      await issuer.verifier.close();
    }
  });

  it('makes Ed25519 keys where asked', async () => {
    const issuer = createIssuer({ signing: { alg: 'EdDSA' } });
    const { protectedHeader } = await verifyElsewhere(issuer, await getToken(issuer));
    expect(protectedHeader.alg).toBe('EdDSA');
    await issuer.verifier.close();
  });

  it('keeps nothing secret of them in the store', async () => {
    const issuer = createIssuer({ secret, signing: { keys: [await privateJwk('ES256')] } });
    await issuer.verifier.ready();
    const [row] = await issuer.stores.signingKeys.list();
    await issuer.verifier.close();
    // Another process without the key verifies with that row, and has to sign with a key of its own.
    const stores = memoryStores();
    await stores.signingKeys.insertFirst(row as NonNullable<typeof row>);
    const other = createIssuer({ secret, stores });
    const { protectedHeader } = await verifyElsewhere(other, await getToken(other));
    expect(protectedHeader.kid).not.toBe(row?.kid);
    await other.verifier.close();
  });

  it('refuses what is no key to sign with, and quotes nothing of it', async () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey;
    const jwk = await privateJwk('ES256');
    const { publicJwk } = await createSigner('ES256');
    const bad: unknown[] = [
      rsa.export({ type: 'pkcs8', format: 'pem' }),
      p384.export({ type: 'pkcs8', format: 'pem' }),
      '-----BEGIN PRIVATE KEY-----\nc2VjcmV0IHN0dWZm\n-----END PRIVATE KEY-----\n',
      { ...jwk, d: undefined },
      { ...jwk, crv: 'secp256k1' },
      { ...jwk, kid: 'with space' },
      { ...(await createSigner('ES256')), publicJwk: { ...publicJwk, x: `${publicJwk.x}=` } },
      { ...(await createSigner('ES256')), alg: 'EdDSA' },
      {},
      null,
    ];
    for (const [index, key] of bad.entries()) {
      const options = { signing: { keys: [key as JWK] } };
      expect(() => createIssuer(options), `bad[${index}]`).toThrow(/^signing\.keys holds/);
      expect(() => createIssuer(options)).not.toThrow(/c2VjcmV0|PRIVATE/);
    }
    expect(() => createIssuer({ signing: { keys: [jwk, jwk] } })).toThrow('two keys of one kid');
    expect(() => createIssuer({ signing: { alg: 'RS256' as 'ES256' } })).toThrow(TypeError);
  });

  it('[O4] does not start with a signer that signs with another key, in DER, or not at all', async () => {
    const honest = await createSigner('ES256');
    const other = await createSigner('ES256');
    const der: ExternalSigner = {
      ...honest,
      sign: () => Uint8Array.from([0x30, 0x45, ...new Uint8Array(69)]),
    };
    const fails: ExternalSigner = { ...honest, sign: () => Promise.reject(new Error('no access')) };
    const swapped = { ...(await privateJwk('ES256')), d: (await privateJwk('ES256')).d };
    for (const key of [{ ...honest, sign: other.sign }, der, fails, swapped]) {
      const { verifier } = createIssuer({ signing: { keys: [key as ExternalSigner] } });
      await expect(verifier.ready()).rejects.toMatchObject({ code: 'not_ready' });
      await verifier.close();
    }
  });

  it.each<[string, (honest: ExternalSigner, other: ExternalSigner) => ExternalSigner['sign']]>([
    ['throws', () => () => Promise.reject(new Error('the KMS is away'))],
    ['signs with another key', (_, other) => other.sign],
    ['signs something else', (honest) => (bytes) => honest.sign(bytes.slice(1))],
    ['answers in DER', () => () => Uint8Array.from([0x30, 0x45, ...new Uint8Array(69)])],
    ['answers zeros', () => () => new Uint8Array(64)],
    ['answers with text', () => () => 'x'.repeat(64) as unknown as Uint8Array],
    ['never answers', () => () => new Promise<never>(() => {})],
  ])(
    '[O4] gives 503 and no token while the signer %s, and a token when it is back',
    async (_, fault) => {
      const honest = await createSigner('ES256');
      const faulty = fault(honest, await createSigner('ES256'));
      let fails = false;
      const sign = (bytes: Uint8Array) => (fails ? faulty(bytes) : honest.sign(bytes));
      const issuer = createIssuer({ signing: { keys: [{ ...honest, sign }] } });
      const { apiKey, row } = await issuer.verifier.keys.issue({ scopes: ['weather:read'] });
      const client = await createWireClient(issuer, { apiKey });
      expect((await client.enroll()).status).toBe(201);
      fails = true;
      for (const answer of [await client.token(), await client.renew(row.id)]) {
        expect(answer).toMatchObject({ status: 503, body: { code: 'store_unavailable' } });
        expect(answer.text).not.toMatch(/access_token|KMS|signer/);
      }
      fails = false;
      expect((await client.token()).status).toBe(200);
      await issuer.verifier.close();
    },
    30_000,
  );

  it('[O4] honest: many tokens at once, each signed by the signer', async () => {
    const signer = await createSigner('ES256');
    const issuer = createIssuer({ signing: { keys: [signer] } });
    const { apiKey, row } = await issuer.verifier.keys.issue({ scopes: ['weather:read'] });
    const client = await createWireClient(issuer, { apiKey });
    expect((await client.enroll()).status).toBe(201);
    const before = signer.calls;
    const answers = await Promise.all(Array.from({ length: 20 }, () => client.renew(row.id)));
    for (const { body } of answers) await verifyElsewhere(issuer, body.access_token);
    expect(signer.calls - before).toBe(20);
    await issuer.verifier.close();
  });
});

describe('change of configured keys', () => {
  interface Deployment {
    readonly stores: Stores;
    offset: number;
    start(keys: readonly JWK[]): TestIssuer;
  }

  function createDeployment(): Deployment {
    const time = { offset: 0 };
    const clock = () => Date.now() + time.offset;
    const stores = memoryStores({ clock });
    const start = (keys: readonly JWK[]) =>
      Object.assign(createIssuer({ secret, clock, stores, signing: { keys } }), { now: clock });
    return Object.assign(time, { stores, start });
  }

  const kidOf = async (issuer: TestIssuer) =>
    (await verifyElsewhere(issuer, await getToken(issuer))).protectedHeader.kid;

  it('an added key is published first, signs then, and may come back in any order', async () => {
    const [first, second] = [await privateJwk('ES256'), await privateJwk('EdDSA')];
    const deployment = createDeployment();
    const before = deployment.start([first]);
    const old = await kidOf(before);
    const after = deployment.start([second, first]);
    expect(await kidOf(after)).toBe(old);
    expect((await after.verifier.signingKeys.list()).map(({ status }) => status)).toEqual([
      'active',
      'next',
    ]);
    deployment.offset = 7 * MINUTE;
    const token = await getToken(after);
    const kid = (await verifyElsewhere(after, token)).protectedHeader.kid;
    expect(kid).not.toBe(old);
    // The instance that still has the old configuration verifies with it, too.
    expect((await verifyElsewhere(before, token)).protectedHeader.kid).toBe(kid);
    expect(await kidOf(before)).toBe(old);
    // Long after, and with a new process, the order of the configuration says nothing.
    deployment.offset = 60 * MINUTE;
    const restarted = deployment.start([first, second]);
    expect(await kidOf(restarted)).toBe(kid);
    await expect(restarted.verifier.signingKeys.rotate()).rejects.toThrow(TypeError);
    for (const { verifier } of [before, after, restarted]) await verifier.close();
  });

  it('a removed key does not come back with a restart; the last one is not taken away', async () => {
    const [first, second] = [await privateJwk('ES256'), await privateJwk('ES256')];
    const deployment = createDeployment();
    const issuer = deployment.start([first, second]);
    const [active, next] = await issuer.verifier.signingKeys.list();
    expect(await issuer.verifier.signingKeys.remove(active?.kid ?? '')).toBe(true);
    expect(await kidOf(issuer)).toBe(next?.kid);
    await expect(issuer.verifier.signingKeys.remove(next?.kid ?? '')).rejects.toMatchObject({
      code: 'not_ready',
    });
    expect(await kidOf(issuer)).toBe(next?.kid);
    deployment.offset = 24 * 60 * MINUTE;
    const again = deployment.start([first, second]);
    expect(await kidOf(again)).toBe(next?.kid);
    expect(again.events).toContainEqual(
      expect.objectContaining({ type: 'fault', endpoint: 'signing-keys' }),
    );
    const withoutAny = deployment.start([first]);
    await expect(withoutAny.verifier.ready()).rejects.toMatchObject({ code: 'not_ready' });
    for (const { verifier } of [issuer, again, withoutAny]) await verifier.close();
  });

  it('changes from made keys to configured ones without a gap', async () => {
    const deployment = createDeployment();
    const made = deployment.start([]);
    const old = await kidOf(made);
    const issuer = deployment.start([await privateJwk('ES256')]);
    const token = await getToken(made);
    expect((await verifyElsewhere(issuer, token)).protectedHeader.kid).toBe(old);
    deployment.offset = 7 * MINUTE;
    expect(await kidOf(issuer)).not.toBe(old);
    for (const { verifier } of [made, issuer]) await verifier.close();
  });
});
