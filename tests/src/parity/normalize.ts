import type { RawAnswer } from './raw-http.js';

/** Members whose value is another one each time. What remains is the length or the kind of it. */
const CHANGING = new Set([
  'nonce',
  'access_token',
  'account',
  'client_id',
  'now',
  'expires_at',
  'kid',
  'x',
  'y',
  'jti',
  'etag',
  'id',
  'credential_id',
  'created_at',
  'request',
  'signature',
  'at',
  'enc',
  'ct',
  'identity_key',
  'vault_id',
  'manifest',
  'manifest_signature',
  'manifest_hash',
  'blob',
  'pin',
  'mac_old',
  'mac_new',
  'hpke_key',
  'cose_key',
  'salt',
  'device',
  'recipient',
  'agent',
  'slot',
  'key',
  'receipt',
  'agent_key',
  'nonce_a',
  'commitment',
  'exported_at',
  'last_used_at',
  'ended_at',
]);

function describe(value: unknown): unknown {
  if (typeof value === 'string') return `a text`;
  return `a ${typeof value}`;
}

function fade(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(fade);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      CHANGING.has(name) && typeof member !== 'object' ? describe(member) : fade(member),
    ]),
  );
}

/** Without what a framework adds to `Vary`. */
function withoutVary(
  { vary, ...headers }: RawAnswer['headers'],
  names: readonly string[],
): RawAnswer['headers'] {
  if (vary === undefined) return headers;
  const own = vary.split(/, | \|\| /).filter((name) => !names.includes(name.toLowerCase()));
  return own.length === 0 ? headers : { ...headers, vary: own.join(', ') };
}

/** An answer with what differs from one exchange to the next taken out; all else stays to the byte. */
export function normalize(answer: RawAnswer, ownVary: readonly string[] = []): RawAnswer {
  const { status, body } = answer;
  const headers = withoutVary(answer.headers, ownVary);
  if (!/json/.test(headers['content-type'] ?? '') || body === '') return { status, headers, body };
  const parsed: unknown = JSON.parse(body);
  const faded = fade(parsed);
  // White space and the order of members are part of the bytes.
  const text = JSON.stringify(parsed) === body ? JSON.stringify(faded) : `other spelling: ${body}`;
  return { status, headers, body: text };
}
