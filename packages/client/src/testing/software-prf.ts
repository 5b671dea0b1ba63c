import { type Bytes, concatBytes, encodeBase64url, sha256, utf8 } from '@pzk-auth/protocol';

/** How the PRF extension of a software authenticator behaves; see docs of each in the options. */
export type SoftwarePrf = 'create-and-get' | 'get' | 'create-only' | 'disagreeing' | false;

const PREFIX = concatBytes(utf8('WebAuthn PRF'), Uint8Array.of(0));

/** Copies a BufferSource, whatever realm or view it comes from. */
export function copyBytes(source: BufferSource): Bytes {
  return ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength).slice()
    : new Uint8Array(source.slice(0));
}

/**
 * One PRF output (WebAuthn L3 section 10.1.4 over CTAP2 `hmac-secret`): HMAC-SHA256 under the
 * credential's secret of SHA-256("WebAuthn PRF", 0x00, input).
 */
export async function evaluatePrf(secret: Bytes, input: BufferSource): Promise<ArrayBuffer> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  const key = await crypto.subtle.importKey('raw', secret, algorithm, false, ['sign']);
  return crypto.subtle.sign('HMAC', key, sha256(concatBytes(PREFIX, copyBytes(input))));
}

/** Picks the inputs for a credential: its own where `evalByCredential` names it, else `eval`. */
export function choosePrfInputs(
  prf: AuthenticationExtensionsPRFInputs,
  credentialId: Uint8Array,
): AuthenticationExtensionsPRFValues | undefined {
  return prf.evalByCredential?.[encodeBase64url(credentialId)] ?? prf.eval;
}

/** What the client reports of the extension (WebAuthn L3 section 10.1.4, client outputs). */
export async function prfOutputs(
  mode: SoftwarePrf,
  ceremony: 'create' | 'get',
  secret: Bytes,
  inputs: AuthenticationExtensionsPRFValues | undefined,
): Promise<AuthenticationExtensionsPRFOutputs> {
  const enabled = ceremony === 'create' ? { enabled: mode !== false } : {};
  const silent =
    mode === false ||
    (mode === 'get' && ceremony === 'create') ||
    (mode === 'create-only' && ceremony === 'get');
  if (silent || inputs === undefined) return enabled;
  const used = mode === 'disagreeing' ? crypto.getRandomValues(new Uint8Array(32)) : secret;
  const first = await evaluatePrf(used, inputs.first);
  if (inputs.second === undefined) return { ...enabled, results: { first } };
  return { ...enabled, results: { first, second: await evaluatePrf(used, inputs.second) } };
}
