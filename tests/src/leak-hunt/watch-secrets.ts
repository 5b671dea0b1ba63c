/** Secrets of clients in this process, as WebCrypto saw them. */
export interface SecretWatch {
  /** Each with a name of what it is for. */
  readonly secrets: () => readonly { readonly name: string; readonly bytes: Uint8Array }[];
  stop(): void;
}

type Subtle = typeof crypto.subtle;
const WATCHED = [
  'importKey',
  'exportKey',
  'deriveBits',
  'deriveKey',
  'encrypt',
  'decrypt',
] as const;
/** Before the scalar in PKCS #8 of a P-256 key (RFC 5915). */
const SCALAR_MARK = Buffer.of(0x02, 0x01, 0x01, 0x04, 0x20);
const LABEL = /pzk-auth\/v1\/([a-z-]+)/;

const copy = (source: BufferSource): Buffer =>
  ArrayBuffer.isView(source)
    ? Buffer.from(source.buffer.slice(source.byteOffset, source.byteOffset + source.byteLength))
    : Buffer.from(source.slice(0));

/** Constants, such as the salt of zeros of an HKDF, are no secrets. */
const isRandom = (bytes: Buffer): boolean => bytes.length >= 16 && new Set(bytes).size > 8;

const scalarOf = (pkcs8: Buffer): Buffer | undefined => {
  const at = pkcs8.indexOf(SCALAR_MARK);
  return at < 0 ? undefined : pkcs8.subarray(at + SCALAR_MARK.length, at + SCALAR_MARK.length + 32);
};

/**
 * Looks over the shoulder of everything that uses WebCrypto in this process: keys that go in, keys that
 * come out or are derived inside, plaintext before and after. So the list of what must not be found is
 * made by what clients really used, and not by what a test knows of them.
 */
export function watchSecrets(): SecretWatch {
  const subtle = crypto.subtle;
  const original = Object.fromEntries(WATCHED.map((name) => [name, subtle[name].bind(subtle)])) as {
    [Name in (typeof WATCHED)[number]]: Subtle[Name];
  };
  const seen = new Map<string, { name: string; bytes: Buffer }>();
  const bases = new WeakMap<CryptoKey, { name: string; bytes: Buffer }>();

  function note(
    name: string,
    bytes: Buffer | undefined,
  ): { name: string; bytes: Buffer } | undefined {
    if (bytes === undefined || !isRandom(bytes)) return undefined;
    const hex = bytes.toString('hex');
    const entry = seen.get(hex) ?? { name, bytes };
    seen.set(hex, entry);
    return entry;
  }

  /** What a derivation is for, and so what its base is. */
  function labelOf(algorithm: unknown, base: CryptoKey): string {
    const info = (algorithm as { info?: BufferSource }).info;
    const label = info === undefined ? undefined : LABEL.exec(copy(info).toString('latin1'))?.[1];
    const entry = bases.get(base);
    if (entry !== undefined && label !== undefined) entry.name = `base of ${label}`;
    return label ?? 'derived';
  }

  const watched = {
    async importKey(
      format: string,
      data: BufferSource | JsonWebKey,
      algorithm: unknown,
      ...rest: never[]
    ) {
      const name = typeof algorithm === 'string' ? algorithm : (algorithm as Algorithm).name;
      let entry: { name: string; bytes: Buffer } | undefined;
      if (format === 'raw' && !['ECDH', 'ECDSA'].includes(name)) {
        entry = note(`imported for ${name}`, copy(data as BufferSource));
      } else if (format === 'pkcs8') {
        note(`scalar for ${name}`, scalarOf(copy(data as BufferSource)));
      } else if (format === 'jwk') {
        const { d, k } = data as JsonWebKey;
        for (const text of [d, k])
          if (text !== undefined) note(`JWK for ${name}`, Buffer.from(text, 'base64url'));
      }
      const key = await (original.importKey as (...all: unknown[]) => Promise<CryptoKey>)(
        ...[format, data, algorithm, ...rest],
      );
      if (entry !== undefined) bases.set(key, entry);
      return key;
    },
    async exportKey(format: 'raw' | 'pkcs8', key: CryptoKey) {
      const exported = (await original.exportKey(format, key)) as ArrayBuffer;
      if (format === 'pkcs8') note(`exported ${key.algorithm.name}`, scalarOf(copy(exported)));
      return exported;
    },
    async deriveBits(algorithm: HkdfParams, base: CryptoKey, length: number) {
      const label = labelOf(algorithm, base);
      const bits = await original.deriveBits(algorithm, base, length);
      // The one derivation that is made to be told.
      if (label !== 'invite-id') note(label, copy(bits));
      return bits;
    },
    async deriveKey(
      algorithm: HkdfParams,
      base: CryptoKey,
      type: AesKeyGenParams,
      extractable: boolean,
      usages: KeyUsage[],
    ) {
      const twin = await original.deriveKey(algorithm, base, type, true, usages);
      note(labelOf(algorithm, base), copy(await original.exportKey('raw', twin)));
      return original.deriveKey(algorithm, base, type, extractable, usages);
    },
    async encrypt(algorithm: AesGcmParams, key: CryptoKey, data: BufferSource) {
      note('plaintext', copy(data));
      return original.encrypt(algorithm, key, data);
    },
    async decrypt(algorithm: AesGcmParams, key: CryptoKey, data: BufferSource) {
      const plaintext = await original.decrypt(algorithm, key, data);
      note('plaintext', copy(plaintext));
      return plaintext;
    },
  };
  for (const name of WATCHED) {
    Object.defineProperty(subtle, name, { value: watched[name], configurable: true });
  }
  return {
    secrets: () => [...seen.values()],
    stop() {
      for (const name of WATCHED) Reflect.deleteProperty(subtle, name);
    },
  };
}
