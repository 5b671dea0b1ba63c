import { hkdfSync } from 'node:crypto';
import { labels, lp } from '@pzk-auth/protocol';
import { CompactEncrypt } from 'jose';
import { beforeEach, describe, expect, it } from 'vitest';
import { createKeyWrap, type KeyWrap } from '../../src/token/key-wrap.js';
import { generateSigningKey, type PrivateSigningKey } from '../../src/token/signing-key.js';

const ISSUER = 'https://api.example.com';
const secret = new TextEncoder().encode('a secret for tests: 0123456789 abcdef XYZ');

let key: PrivateSigningKey;
let wrap: KeyWrap;
beforeEach(() => {
  key = generateSigningKey('ES256');
  wrap = createKeyWrap(secret, ISSUER);
});

const row = async (over: { kid?: string; content?: object } = {}) => ({
  kid: over.kid ?? key.kid,
  wrapped: await wrap.wrap({ ...key.privateJwk, ...over.content }),
  createdAt: 0,
  activeFrom: 0,
});

const refused = { code: 'not_ready' };

describe('signing keys at rest', () => {
  it('[L4] honest: open with the secret and issuer they were wrapped under', async () => {
    const opened = await createKeyWrap(secret, ISSUER).unwrap(await row());
    expect(opened).toMatchObject({ origin: 'made', removed: false });
    expect(opened.key.kid).toBe(key.kid);
    expect(opened.key.sign).toBeDefined();
  });

  it('open to their public part alone where no other was kept, under the name they have', async () => {
    const named = { ...key.publicJwk, kid: 'named' };
    const wrapped = await wrap.wrap({ ...named, removed: true });
    const opened = await wrap.unwrap({ ...(await row()), kid: 'named', wrapped });
    expect(opened).toMatchObject({ origin: 'configured', removed: true });
    expect(opened.key).toMatchObject({ kid: 'named', sign: undefined });
  });

  it('[L4] open under no other secret, issuer or name', async () => {
    const good = await row();
    await expect(createKeyWrap(new Uint8Array(32), ISSUER).unwrap(good)).rejects.toMatchObject(
      refused,
    );
    await expect(createKeyWrap(secret, `${ISSUER}/tenant`).unwrap(good)).rejects.toMatchObject(
      refused,
    );
    await expect(wrap.unwrap({ ...good, kid: 'other' })).rejects.toMatchObject(refused);
    await expect(wrap.unwrap(await row({ content: { kty: 'RSA' } }))).rejects.toMatchObject(
      refused,
    );
  });

  it('[L4] open by the one algorithm alone, though the key is right', async () => {
    const info = lp(labels.keyWrap, ISSUER);
    const wrapKey = new Uint8Array(hkdfSync('sha256', secret, new Uint8Array(), info, 32));
    const encrypt = async (header: { alg: string; enc: string }) => {
      const text = new TextEncoder().encode(JSON.stringify(key.privateJwk));
      const jwe = new CompactEncrypt(text).setProtectedHeader(header);
      return { ...(await row()), wrapped: await jwe.encrypt(wrapKey) };
    };
    const opened = await wrap.unwrap(await encrypt({ alg: 'dir', enc: 'A256GCM' }));
    expect(opened.key.kid).toBe(key.kid);
    for (const header of [
      { alg: 'dir', enc: 'A128CBC-HS256' },
      { alg: 'A256KW', enc: 'A256GCM' },
      { alg: 'A256GCMKW', enc: 'A256GCM' },
      { alg: 'A256GCMKW', enc: 'A128GCM' },
    ]) {
      await expect(wrap.unwrap(await encrypt(header))).rejects.toMatchObject(refused);
    }
  });

  it('[L4] are not readable, and written by one algorithm', async () => {
    const { wrapped } = await row();
    const [header = ''] = wrapped.split('.');
    expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toEqual({
      alg: 'dir',
      enc: 'A256GCM',
    });
    for (const segment of wrapped.split('.')) {
      expect(Buffer.from(segment, 'base64url').toString('latin1')).not.toContain(key.privateJwk.d);
    }
    expect((await row()).wrapped).not.toBe(wrapped);
  });
});
