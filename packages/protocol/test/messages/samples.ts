import {
  type Assertion,
  assertionSchema,
  challengeRequestSchema,
  challengeResponseSchema as challengeResponse,
  type challengeResponseSchema,
  encodeBase64url,
  enrollRequestSchema,
  introspectionRequestSchema,
  keypairEnrollmentSchema,
  PROOF_GRANT,
  type parseMessage,
  problemSchema,
  proofGrantSchema,
  RENEW_GRANT,
  type Registration,
  registrationSchema,
  renewGrantSchema,
  revokeRequestSchema,
  tokenResponseSchema,
  type VaultEntry,
  vaultEntrySchema,
  vaultOpenRequestSchema,
  vaultOpenResponseSchema,
} from '../../src/index.js';
import { fromHex, readVectors } from '../read-vectors.js';

type Schema = Parameters<typeof parseMessage<unknown>>[0];

/** A valid message with every member there is. */
export interface Sample {
  readonly schema: Schema;
  readonly value: Readonly<Record<string, unknown>>;
  /** Paths that may be left out. */
  readonly optional: readonly string[];
  /** Objects, by path, in which unknown members are ignored: answers that may grow. */
  readonly open?: readonly string[];
}

interface VaultEntryVector {
  readonly issuer: string;
  readonly credentialId: string;
  readonly derived: { readonly recipientKey: string };
  readonly entry: VaultEntry;
}

const vector = readVectors<VaultEntryVector>('vault-entry');
const proof = readVectors<{ cases: readonly { text: string }[] }>('proof-encoding');
const random = (length: number, fill = 7) => encodeBase64url(new Uint8Array(length).fill(fill));

const credential = {
  id: vector.credentialId,
  rawId: vector.credentialId,
  type: 'public-key',
  authenticatorAttachment: 'platform',
  clientExtensionResults: { prf: { enabled: true }, credProps: { rk: true } },
} as const;

export const registration: Registration = {
  ...credential,
  response: {
    clientDataJSON: random(120),
    attestationObject: random(200),
    transports: ['internal', 'hybrid'],
  },
};

export const assertion: Assertion = {
  ...credential,
  response: {
    clientDataJSON: random(120),
    authenticatorData: random(37),
    signature: random(70),
    userHandle: random(32),
  },
};

const credentialOptional = (prefix: string) => [
  `${prefix}authenticatorAttachment`,
  `${prefix}clientExtensionResults.prf`,
  `${prefix}clientExtensionResults.prf.enabled`,
  `${prefix}clientExtensionResults.credProps`,
  `${prefix}clientExtensionResults.credProps.rk`,
];
const registrationOptional = (prefix: string) => [
  ...credentialOptional(prefix),
  `${prefix}response.transports`,
];
const assertionOptional = (prefix: string) => [
  ...credentialOptional(prefix),
  `${prefix}response.userHandle`,
];

const succession = {
  identity_key: random(65),
  counter: 2,
  previous: random(32),
  by: random(16),
  signature: random(64),
};

const nonce = random(180);
const proved = {
  nonce,
  circuit: 'ownership/v1',
  commitment: '1234567890',
  proof: proof.cases[0]?.text ?? '',
};

export const samples = {
  challengeRequest: {
    schema: challengeRequestSchema,
    value: {
      purpose: 'session',
      jkt: random(32),
      scope: 'weather:read',
      resource: 'https://api.example.com',
    },
    optional: ['resource'],
  },
  challengeResponse: {
    schema: challengeResponse satisfies typeof challengeResponseSchema,
    value: {
      nonce,
      expires_at: 1_800_000_300,
      now: 1_800_000_000,
      issuer: 'https://api.example.com',
      audience: 'https://api.example.com',
      rp_id: 'app.example.com',
      scope: 'weather:read',
      circuit: { id: 'ownership/v1', prover: random(32), verification_key: random(32, 8) },
    },
    optional: [],
    open: [''],
  },
  passkeyEnrollment: {
    schema: enrollRequestSchema,
    value: {
      ...proved,
      registration,
      user_id: random(32),
      assertion,
      recipient_key: encodeBase64url(fromHex(vector.derived.recipientKey)),
      vault: vector.entry,
    },
    optional: [
      ...registrationOptional('registration.'),
      ...assertionOptional('assertion.'),
      'recipient_key',
      'vault',
    ],
  },
  keypairEnrollment: { schema: keypairEnrollmentSchema, value: proved, optional: [] },
  vaultOpenRequest: {
    schema: vaultOpenRequestSchema,
    value: { nonce, credential: assertion },
    optional: assertionOptional('credential.'),
  },
  vaultOpenResponse: {
    schema: vaultOpenResponseSchema,
    value: {
      vault: vector.entry,
      successions: [succession],
      revoked: [random(16)],
      reset_at: 1_800_000_000,
    },
    optional: ['reset_at'],
    open: [''],
  },
  vaultEntry: {
    schema: vaultEntrySchema,
    value: vector.entry,
    optional: [],
  },
  registration: {
    schema: registrationSchema,
    value: { ...registration },
    optional: registrationOptional(''),
  },
  assertion: { schema: assertionSchema, value: { ...assertion }, optional: assertionOptional('') },
  proofGrant: {
    schema: proofGrantSchema,
    value: {
      grant_type: PROOF_GRANT,
      ...proved,
      credential: JSON.stringify(assertion),
      scope: 'weather:read',
      resource: 'https://api.example.com',
      client_id: random(16),
    },
    optional: ['credential', 'scope', 'resource', 'client_id'],
  },
  renewGrant: {
    schema: renewGrantSchema,
    value: {
      grant_type: RENEW_GRANT,
      client_id: random(16),
      scope: 'weather:read',
      resource: 'https://api.example.com',
    },
    optional: ['scope', 'resource'],
  },
  revokeRequest: {
    schema: revokeRequestSchema,
    value: { token: 'a.b.c', token_type_hint: 'access_token', client_id: random(16) },
    optional: ['token_type_hint', 'client_id'],
  },
  introspectionRequest: {
    schema: introspectionRequestSchema,
    value: { token: 'a.b.c', token_type_hint: 'access_token', client_id: random(16) },
    optional: ['token_type_hint', 'client_id'],
  },
  tokenResponse: {
    schema: tokenResponseSchema,
    value: {
      access_token: 'a.b.c',
      token_type: 'DPoP',
      expires_in: 300,
      scope: 'weather:read',
      client_id: random(16),
    },
    optional: [],
    open: [''],
  },
  problem: {
    schema: problemSchema,
    value: {
      type: 'https://example.com/#invalid_grant',
      title: 'The credentials are not valid.',
      status: 400,
      code: 'invalid_grant',
      error: 'invalid_grant',
      hint: 'Try again.',
    },
    optional: ['error', 'hint'],
    open: [''],
  },
} as const satisfies Record<string, Sample>;

type Json = { [name: string]: unknown };

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const join = (path: string, name: string) => (path === '' ? name : `${path}.${name}`);

/** Paths of all objects in a value, the value itself as ''. Items of lists are `name.0`. */
export function objectPaths(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) {
    return value.flatMap((item, index) => objectPaths(item, join(path, String(index))));
  }
  if (!isObject(value)) return [];
  const below = Object.entries(value).flatMap(([name, one]) => objectPaths(one, join(path, name)));
  return [path, ...below];
}

/** Paths of all members of all objects in a value. */
export function memberPaths(value: unknown): string[] {
  return objectPaths(value).flatMap((path) => {
    const names = Object.keys(resolve(value, path) as Json);
    return names.map((name) => join(path, name));
  });
}

function resolve(value: unknown, path: string): unknown {
  const names = path === '' ? [] : path.split('.');
  return names.reduce((one, name) => (one as Json)[name], value);
}

/** A deep copy with one member gone. */
export function without(value: unknown, path: string): unknown {
  const copy = structuredClone(value);
  const name = path.split('.').at(-1) ?? '';
  const parent = path.split('.').slice(0, -1).join('.');
  delete (resolve(copy, parent) as Json)[name];
  return copy;
}

/** A deep copy with one own member added to the object at a path, also one named `__proto__`. */
export function withMember(value: unknown, path: string, name: string, added: unknown): unknown {
  const copy = structuredClone(value);
  Object.defineProperty(resolve(copy, path), name, {
    value: added,
    enumerable: true,
    configurable: true,
    writable: true,
  });
  return copy;
}
