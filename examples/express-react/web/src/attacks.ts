import type { SentExchange } from './wire-log.js';

/** How the server answered an attempt. */
export interface AttackResult {
  readonly title: string;
  readonly refused: boolean;
  /** HTTP status. */
  readonly status: number;
  /** Code and text of the problem. */
  readonly code: string;
  readonly text: string;
  /** What the attempt lacked. */
  readonly why: string;
}

async function judge(title: string, why: string, response: Response): Promise<AttackResult> {
  const body: unknown = await response.json().catch(() => undefined);
  const problem = (typeof body === 'object' && body !== null ? body : {}) as Record<
    string,
    unknown
  >;
  return {
    title,
    refused: !response.ok,
    status: response.status,
    code: typeof problem.code === 'string' ? problem.code : '',
    text: typeof problem.title === 'string' ? problem.title : '',
    why,
  };
}

const REPLAY_OF_ENROLMENT =
  'This device is enrolled already, and the server sees that before it looks at the nonce, which is used up as well. Sign in with the passkey and replay that exchange to be refused for the nonce alone.';
const REPLAY_OF_SESSION = 'Its nonce is used up: it gave one token and gives no other.';

/** Sends a recorded exchange once more, byte for byte, its DPoP proof included. */
export async function replayExchange(
  exchange: SentExchange,
  send: typeof fetch,
): Promise<readonly AttackResult[]> {
  const { path, headers, body } = exchange;
  const response = await send(path, { method: 'POST', headers: { ...headers }, body });
  const why = path === '/pzk/enroll' ? REPLAY_OF_ENROLMENT : REPLAY_OF_SESSION;
  return [await judge(`The same POST ${path} again`, why, response)];
}

const base64url = (bytes: Uint8Array) =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
const encode = (value: object) => base64url(new TextEncoder().encode(JSON.stringify(value)));

/** A correct DPoP proof (RFC 9449), made with a key that is not the token's. */
async function signWithOtherKey(accessToken: string, url: string): Promise<string> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  const keys = await crypto.subtle.generateKey(algorithm, false, ['sign', 'verify']);
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', keys.publicKey);
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(accessToken));
  const header = encode({ typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, crv, x, y } });
  const payload = encode({
    jti: crypto.randomUUID(),
    htm: 'GET',
    htu: url,
    iat: Math.floor(Date.now() / 1000),
    ath: base64url(new Uint8Array(hash)),
  });
  const signature = await crypto.subtle.sign(
    { name: 'ECDSA', hash: 'SHA-256' },
    keys.privateKey,
    new TextEncoder().encode(`${header}.${payload}`),
  );
  return `${header}.${payload}.${base64url(new Uint8Array(signature))}`;
}

/** Uses a token as somebody would who read it in a log: without the key that it is bound to. */
export async function callWithoutKey(
  accessToken: string,
  send: typeof fetch,
): Promise<readonly AttackResult[]> {
  const path = '/api/weather';
  const bearer = await send(path, { headers: { authorization: `Bearer ${accessToken}` } });
  const dpop = await signWithOtherKey(accessToken, new URL(path, location.origin).href);
  const otherKey = await send(path, {
    headers: { authorization: `DPoP ${accessToken}`, dpop },
  });
  return [
    await judge(
      'The token alone, as a bearer token',
      'It is bound to a key pair, so that it is none for a bearer.',
      bearer,
    ),
    await judge(
      'The token with a signature of another key',
      'The token names the one key pair that may use it.',
      otherKey,
    ),
  ];
}
