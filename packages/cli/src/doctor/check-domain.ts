import { createHash } from 'node:crypto';
import { printable } from '../format.js';
import { judgeClock } from './check-clock.js';
import { type Finding, failed, ok, skipped } from './finding.js';
import type { Patient } from './patient.js';

const TIMEOUT = 10_000;
const LARGEST = 4 * 1024 * 1024;

const NOT_REACHED =
  'Does the server run, and do DNS, certificate and proxy lead this URL to it? Without it: --offline.';

/** No redirects: clients of OAuth and DPoP follow none. */
function request(url: string, init: RequestInit = {}): Promise<Response> {
  return fetch(url, { ...init, redirect: 'manual', signal: AbortSignal.timeout(TIMEOUT) });
}

async function readJson(response: Response): Promise<Record<string, unknown> | undefined> {
  try {
    const value: unknown = await response.json();
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** RFC 8414 section 3.1: the path of the issuer follows the well-known name. */
function metadataUrl(issuer: string): string {
  const { origin, pathname } = new URL(issuer);
  return `${origin}/.well-known/oauth-authorization-server${pathname === '/' ? '' : pathname}`;
}

function causeOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  const code: unknown = cause instanceof Error ? Reflect.get(cause, 'code') : undefined;
  return typeof code === 'string' ? printable(code) : 'no answer';
}

async function checkMetadata({ verifier }: Patient): Promise<Finding[]> {
  const url = metadataUrl(verifier.issuer);
  const before = Date.now();
  const response = await request(url);
  const after = Date.now();
  const document = response.status === 200 ? await readJson(response) : undefined;
  if (document === undefined) {
    const hint = 'Mount wellKnown() at the root of the origin, also where the API has a path.';
    return [failed('domain.metadata', `${url} answers ${response.status}, no metadata`, hint)];
  }
  const date = Date.parse(response.headers.get('date') ?? '');
  // Whole seconds, cut off.
  const clock = Number.isNaN(date) ? [] : [judgeClock('clock.issuer', before - 1000, date, after)];
  if (document.issuer !== verifier.issuer) {
    const hint = 'Run doctor with the configuration of that server, or correct `issuer` there.';
    return [failed('domain.metadata', `${url} names another issuer`, hint), ...clock];
  }
  return [ok('domain.metadata', `${url} is that of this issuer`), ...clock];
}

async function checkKeySet({ verifier, options }: Patient): Promise<Finding> {
  const url = `${verifier.baseUrl}/jwks.json`;
  const response = await request(url);
  const document = response.status === 200 ? await readJson(response) : undefined;
  if (!Array.isArray(document?.keys)) {
    const hint = `Mount routes() under ${verifier.basePath}.`;
    return failed('domain.jwks', `${url} answers ${response.status}, no JWK set`, hint);
  }
  const published = new Set(document.keys.map((key: { kid?: unknown }) => key?.kid));
  const now = Date.now();
  const rows = await options.stores.signingKeys.list();
  const newest = rows.filter(({ activeFrom }) => activeFrom <= now).at(-1);
  if (newest !== undefined && !published.has(newest.kid)) {
    const hint = 'Does that server use these stores and this secret? Compare the configurations.';
    return failed('domain.jwks', 'the server publishes other keys than the store holds', hint);
  }
  return ok('domain.jwks', `${url} holds ${published.size} keys`);
}

async function checkArtifact({ verifier, options, engine }: Patient): Promise<Finding> {
  const own = options.circuits?.[0];
  const circuit = own ?? engine.ownershipCircuit({ workers: 1 });
  const { sha256 } = circuit.manifest.artifacts.prover;
  if (own === undefined) await circuit.proofSystem.close();
  const response = await request(`${verifier.baseUrl}/circuits/${sha256}`);
  const bytes = Buffer.from(await response.arrayBuffer());
  const isRight =
    response.status === 200 &&
    bytes.length <= LARGEST &&
    createHash('sha256').update(bytes).digest('hex') === sha256;
  if (isRight) return ok('domain.circuit', 'the server hands out the configured prover.bin');
  const hint = 'Does it run with these circuit keys, and do proxies leave the answer as it is?';
  return failed('domain.circuit', `the server has another circuit (${response.status})`, hint);
}

async function checkOrigin({ verifier }: Patient, origin: string): Promise<Finding> {
  const check = `domain.cors ${origin}`;
  if (origin === new URL(verifier.issuer).origin) return ok(check, 'the same origin as the issuer');
  const response = await request(`${verifier.baseUrl}/challenge`, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type,dpop',
    },
  });
  const allowed = response.headers.get('access-control-allow-origin');
  const headers = (response.headers.get('access-control-allow-headers') ?? '').toLowerCase();
  if (response.ok && allowed === origin && headers.includes('dpop')) return ok(check, 'allowed');
  const hint =
    'Is it in `origins` of the running server? Let no proxy or other middleware answer OPTIONS.';
  return failed(check, `a page there is not let in (${response.status})`, hint);
}

/** Whether the issuer is reached as clients will reach it. */
export async function checkDomain(patient: Patient, offline: boolean): Promise<Finding[]> {
  const { verifier, options } = patient;
  const { protocol, hostname } = new URL(verifier.issuer);
  const scheme =
    protocol === 'https:'
      ? ok('domain.https', 'the issuer is on https')
      : ok('domain.https', `http, which is allowed on ${hostname} only`);
  const rpId = ok('domain.rp_id', `${options.rpId} fits every origin`);
  if (offline) return [scheme, rpId, skipped('domain.metadata', 'not asked: --offline')];
  let metadata: Finding[];
  try {
    metadata = await checkMetadata(patient);
  } catch (error) {
    const message = `${verifier.issuer} is not reached: ${causeOf(error)}`;
    return [scheme, rpId, failed('domain.metadata', message, NOT_REACHED)];
  }
  const attempts: [string, () => Promise<Finding>][] = [
    ['domain.jwks', () => checkKeySet(patient)],
    ['domain.circuit', () => checkArtifact(patient)],
    ...options.origins.map((origin): [string, () => Promise<Finding>] => {
      return [`domain.cors ${origin}`, () => checkOrigin(patient, origin)];
    }),
  ];
  const rest = await Promise.all(
    attempts.map(([check, attempt]) =>
      attempt().catch((error: unknown) => failed(check, causeOf(error), NOT_REACHED)),
    ),
  );
  return [scheme, rpId, ...metadata, ...rest];
}
