import { decodeBase64url, encodeBase64url } from '@pzk-auth/protocol';
import { describe, expect, it } from 'vitest';
import { memoryStores, type SigningKeyRow } from '../src/index.js';
import { createIssuer } from './harness/issuer.js';

const secret = 'a secret for tests: 0123456789 abcdef XYZ';

async function wrappedKey() {
  const issuer = createIssuer({ secret });
  await issuer.verifier.ready();
  const [row] = await issuer.stores.signingKeys.list();
  await issuer.verifier.close();
  if (row === undefined) throw new Error('no signing key');
  return row;
}

async function start(row: SigningKeyRow, over: { secret?: string } = {}) {
  const stores = memoryStores();
  await stores.signingKeys.insertFirst(row);
  const { verifier } = createIssuer({ stores, secret, ...over });
  try {
    await verifier.ready();
  } finally {
    await verifier.close();
  }
}

describe('signing keys at rest', () => {
  it('[L4] a wrapped key with a shortened or changed tag does not open', async () => {
    const row = await wrappedKey();
    const parts = row.wrapped.split('.');
    const tag = decodeBase64url(parts[4] ?? '');
    const changed = tag.slice();
    changed[0] = (changed[0] ?? 0) ^ 1;
    for (const bad of [tag.slice(0, 4), tag.slice(0, 12), tag.slice(0, 15), changed]) {
      const wrapped = [...parts.slice(0, 4), encodeBase64url(bad)].join('.');
      await expect(start({ ...row, wrapped })).rejects.toMatchObject({ code: 'not_ready' });
    }
  });

  it('a wrapped key does not open with another secret', async () => {
    const other = 'another secret for tests: 0123456789 XYZ';
    await expect(start(await wrappedKey(), { secret: other })).rejects.toMatchObject({
      code: 'not_ready',
    });
  });

  it('a wrapped key does not open under the name of another', async () => {
    const row = { ...(await wrappedKey()), kid: (await wrappedKey()).kid };
    await expect(start(row)).rejects.toMatchObject({ code: 'not_ready' });
  });

  it('[L4] honest: it opens as it was written, and a restart signs with the same key', async () => {
    await expect(start(await wrappedKey())).resolves.toBeUndefined();
  });
});
