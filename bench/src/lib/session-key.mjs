import { createECDH, createHash, createPrivateKey, randomBytes, sign } from 'node:crypto';

/**
 * The DPoP key pair of a client, in a form that goes from process to process.
 *
 * @typedef {{ kty: string, crv: string, x: string, y: string, d: string }} SessionJwk
 */

/**
 * Not by `generateKeyPairSync`: if the garbage collector takes its job while the key is exported, Node
 * 20 waits for itself for ever.
 *
 * @returns {SessionJwk}
 */
export function createSessionJwk() {
  const ecdh = createECDH('prime256v1');
  const point = ecdh.generateKeys();
  const d = Buffer.alloc(32);
  const scalar = ecdh.getPrivateKey();
  scalar.copy(d, 32 - scalar.length);
  return {
    kty: 'EC',
    crv: 'P-256',
    x: point.toString('base64url', 1, 33),
    y: point.toString('base64url', 33, 65),
    d: d.toString('base64url'),
  };
}

/**
 * Makes DPoP proofs (RFC 9449 section 4.2), ES256, each with a fresh `jti` and `iat` now.
 *
 * @param {SessionJwk} jwk
 */
export function createDpopSigner({ kty, crv, x, y, d }) {
  const key = createPrivateKey({ key: { kty, crv, x, y, d }, format: 'jwk' });
  const jkt = createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
  /** @param {object} value */
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const header = encode({ typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, crv, x, y } });
  return {
    jkt,
    /**
     * @param {{ method: string, url: string, accessToken?: string }} target
     * @returns {string}
     */
    prove({ method, url, accessToken }) {
      const jti = randomBytes(16).toString('base64url');
      const iat = Math.floor(Date.now() / 1000);
      const ath =
        accessToken === undefined
          ? {}
          : { ath: createHash('sha256').update(accessToken).digest('base64url') };
      const signed = `${header}.${encode({ jti, htm: method, htu: url, iat, ...ath })}`;
      const signature = sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' });
      return `${signed}.${signature.toString('base64url')}`;
    },
  };
}
