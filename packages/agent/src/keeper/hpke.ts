import { Aes256Gcm, CipherSuite, DhkemP256HkdfSha256, HkdfSha256 } from '@hpke/core';
import type { Bytes } from '@pzk-auth/protocol';

/** The one suite of the protocol (RFC 9180 section 7): nothing received can ask for another. */
const suite = new CipherSuite({
  kem: new DhkemP256HkdfSha256(),
  kdf: new HkdfSha256(),
  aead: new Aes256Gcm(),
});

/** A key pair for one request. */
export interface HpkeRecipient {
  /** 65 bytes SEC1. */
  readonly publicKey: Bytes;
  /**
   * OpenBase (RFC 9180 section 6.1). Says nothing about who sealed.
   *
   * @throws Error of the library where the message does not open.
   */
  open(message: { readonly enc: Bytes; readonly ct: Bytes; readonly info: Bytes }): Promise<Bytes>;
}

/** Makes a key pair that lives as long as this process. */
export async function generateHpkeRecipient(): Promise<HpkeRecipient> {
  const keys = await suite.kem.generateKeyPair();
  return {
    publicKey: new Uint8Array(await suite.kem.serializePublicKey(keys.publicKey)),
    open: async ({ enc, ct, info }) =>
      new Uint8Array(await suite.open({ recipientKey: keys, enc, info }, ct)),
  };
}
