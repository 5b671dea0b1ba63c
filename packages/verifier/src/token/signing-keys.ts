import { hkdfSync } from 'node:crypto';
import { labels, lp, PzkError, utf8 } from '@pzk-auth/protocol';
import {
  CompactEncrypt,
  type CryptoKey,
  calculateJwkThumbprint,
  compactDecrypt,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
} from 'jose';
import type { SigningKeyRow, SigningKeyStore } from '../stores/durable-stores.js';

const ALG = 'ES256';

/** A key that tokens are signed with. */
export interface SigningKey {
  readonly kid: string;
  readonly alg: typeof ALG;
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
  /** For the JWK set: public members, `kid`, `alg`, `use`. */
  readonly publicJwk: JWK;
}

/** The signing keys of an issuer: the newest signs, all of them verify. */
export interface SigningKeys {
  readonly active: SigningKey;
  readonly byKid: ReadonlyMap<string, SigningKey>;
}

function wrappingKey(secret: Uint8Array, issuer: string): Uint8Array {
  const info = lp(labels.keyWrap, issuer);
  return new Uint8Array(hkdfSync('sha256', secret, new Uint8Array(), info, 32));
}

async function toSigningKey(jwk: JWK): Promise<SigningKey> {
  const { kty, crv, x, y } = jwk;
  if (kty !== 'EC' || crv !== 'P-256' || x === undefined || y === undefined) {
    throw new TypeError('A signing key must be a P-256 private JWK.');
  }
  const publicMembers = { kty, crv, x, y };
  const kid = await calculateJwkThumbprint(publicMembers);
  return {
    kid,
    alg: ALG,
    privateKey: (await importJWK(jwk, ALG)) as CryptoKey,
    publicKey: (await importJWK(publicMembers, ALG)) as CryptoKey,
    publicJwk: { ...publicMembers, kid, alg: ALG, use: 'sig' },
  };
}

async function createRow(wrapKey: Uint8Array, now: number): Promise<SigningKeyRow> {
  const { privateKey } = await generateKeyPair(ALG, { extractable: true });
  const jwk = await exportJWK(privateKey);
  const wrapped = await new CompactEncrypt(utf8(JSON.stringify(jwk)))
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
    .encrypt(wrapKey);
  const { kid } = await toSigningKey(jwk);
  return { kid, wrapped, createdAt: now, activeFrom: now };
}

async function unwrap(row: SigningKeyRow, wrapKey: Uint8Array): Promise<SigningKey> {
  try {
    const { plaintext } = await compactDecrypt(row.wrapped, wrapKey, {
      keyManagementAlgorithms: ['dir'],
      contentEncryptionAlgorithms: ['A256GCM'],
    });
    return await toSigningKey(JSON.parse(new TextDecoder().decode(plaintext)));
  } catch (cause) {
    throw new PzkError('not_ready', 'A stored signing key does not open with this secret.', {
      cause,
      hint: 'All instances that share a store need the same secret.',
    });
  }
}

/**
 * Loads the signing keys from the store, or makes the first one. At rest a key is wrapped (JWE `dir`,
 * A256GCM) under a key derived from the deployment's secret.
 *
 * @throws PzkError `not_ready` if a stored key was wrapped under another secret.
 */
export async function loadSigningKeys(options: {
  readonly store: SigningKeyStore;
  readonly secret: Uint8Array;
  readonly issuer: string;
  readonly now: number;
}): Promise<SigningKeys> {
  const { store, secret, issuer, now } = options;
  const wrapKey = wrappingKey(secret, issuer);
  let rows = await store.list();
  if (rows.length === 0) {
    // Of several instances that start together one inserts; all then read the same key.
    await store.insertFirst(await createRow(wrapKey, now));
    rows = await store.list();
  }
  const keys = await Promise.all(rows.map((row) => unwrap(row, wrapKey)));
  const active = keys.at(-1);
  if (active === undefined) throw new PzkError('not_ready', 'The store returned no signing key.');
  return { active, byKid: new Map(keys.map((key) => [key.kid, key])) };
}
