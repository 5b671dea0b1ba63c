/** One ASN.1 INTEGER: no leading zeros, one zero byte where the top bit would mean a sign. */
function derInteger(bytes: Uint8Array): number[] {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const value = [...bytes.subarray(start)];
  if ((value[0] ?? 0) >= 0x80) value.unshift(0);
  return [0x02, value.length, ...value];
}

/**
 * Turns WebCrypto's 64 bytes r, s into the ASN.1 form in which authenticators sign (WebAuthn L3
 * section 6.5.5). For P-256 every length fits one byte.
 */
export function encodeDerSignature(raw: Uint8Array): Uint8Array<ArrayBuffer> {
  const body = [...derInteger(raw.subarray(0, 32)), ...derInteger(raw.subarray(32))];
  return Uint8Array.of(0x30, body.length, ...body);
}
