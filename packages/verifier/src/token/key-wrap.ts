import { hkdfSync } from 'node:crypto';
import { labels, lp, PzkError, utf8 } from '@pzk-auth/protocol';
import { CompactEncrypt, compactDecrypt } from 'jose';
import type { SigningKeyRow } from '../stores/durable-stores.js';
import {
  createSigningKey,
  importPrivateJwk,
  type PrivateSigningJwk,
  type SigningKey,
} from './signing-key.js';

/** What a row of the store holds, opened. */
export interface StoredKey {
  readonly key: SigningKey;
  /** `made`: with its private part; `configured`: the public part of a key of the configuration. */
  readonly origin: 'made' | 'configured';
  /** A configured key that was removed: remembered, so that no restart brings it back. */
  readonly removed: boolean;
}

interface Content extends PrivateSigningJwk {
  readonly removed?: boolean;
}

/** Wraps signing keys at rest: JWE (`dir`, `A256GCM`) under a key of the deployment's secret. */
export interface KeyWrap {
  /** A private JWK, or for a configured key its public members. */
  wrap(content: Content): Promise<string>;
  /** @throws PzkError `not_ready` if the row was wrapped under another secret. */
  unwrap(row: SigningKeyRow): Promise<StoredKey>;
}

/** Creates the wrapping of one issuer. */
export function createKeyWrap(secret: Uint8Array, issuer: string): KeyWrap {
  const info = lp(labels.keyWrap, issuer);
  const wrapKey = new Uint8Array(hkdfSync('sha256', secret, new Uint8Array(), info, 32));
  return {
    wrap: (content) =>
      new CompactEncrypt(utf8(JSON.stringify(content)))
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
        .encrypt(wrapKey),
    async unwrap(row) {
      try {
        const { plaintext } = await compactDecrypt(row.wrapped, wrapKey, {
          keyManagementAlgorithms: ['dir'],
          contentEncryptionAlgorithms: ['A256GCM'],
        });
        const content = JSON.parse(new TextDecoder().decode(plaintext)) as Content;
        const { kid, removed = false } = content;
        const made = content.d !== undefined;
        const key = made ? importPrivateJwk(content) : createSigningKey(content, { kid });
        // The name stands outside of what is authenticated.
        if (key.kid !== row.kid) throw new TypeError('kid');
        return { key, origin: made ? 'made' : 'configured', removed };
      } catch (cause) {
        throw new PzkError('not_ready', 'A stored signing key does not open with this secret.', {
          cause,
          hint: 'All instances that share a store need the same secret.',
        });
      }
    },
  };
}
