import {
  type Assertion,
  activityResponseSchema,
  agentEventSchema,
  agentPairingResponseSchema,
  agentRequestIdRequestSchema,
  agentRequestReadResponseSchema,
  agentRequestRequestSchema,
  agentUsesRequestSchema,
  agentUsesResponseSchema,
  assertionSchema,
  challengeRequestSchema,
  challengeResponseSchema as challengeResponse,
  type challengeResponseSchema,
  deviceRevokeRequestSchema,
  devicesResponseSchema,
  emptyRequestSchema,
  encodeBase64url,
  enrollRequestSchema,
  expiryResponseSchema,
  introspectionRequestSchema,
  invitationIdRequestSchema,
  invitationOpenResponseSchema,
  invitationReadResponseSchema,
  invitationRequestSchema,
  invitedEnrollmentSchema,
  keypairEnrollmentSchema,
  PROOF_GRANT,
  pageRequestSchema,
  pairingAnswerRequestSchema,
  pairingCommitRequestSchema,
  pairingIdRequestSchema,
  pairingReadResponseSchema,
  pairingResponseSchema,
  pairingRevealRequestSchema,
  type parseMessage,
  problemSchema,
  proofGrantSchema,
  RENEW_GRANT,
  type Registration,
  receiptsRequestSchema,
  receiptsResponseSchema,
  recoveryEnrollmentSchema,
  registrationSchema,
  releaseEndRequestSchema,
  releaseRequestSchema,
  releasesResponseSchema,
  renewGrantSchema,
  requestRejectRequestSchema,
  revokeRequestSchema,
  successionSchema,
  tokenResponseSchema,
  VAULT_EXPORT_FORMAT,
  type VaultEntry,
  type VaultWrite,
  vaultEntrySchema,
  vaultExportResponseSchema,
  vaultExportSchema,
  vaultOpenRequestSchema,
  vaultOpenResponseSchema,
  vaultPinRequestSchema,
  vaultRecoverRequestSchema,
  vaultStatusResponseSchema,
  vaultWriteResponseSchema,
  vaultWriteSchema,
  waitingRequestsResponseSchema,
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
  old_identity_key: random(65),
  identity_key: random(65),
  counter: 2,
  previous: random(32),
  by: random(16),
  signature: random(64),
};

const nonce = random(180);
const seconds = 1_800_000_000;
const id = random(16);
const key = random(65);
const sealed = { enc: random(65), ct: random(80) };
const recipient = { id, hpke_key: key, salt: random(32), generation: 1 };
const write: VaultWrite = {
  manifest: random(200),
  manifest_signature: random(64),
  succession,
  recipients: [{ id, sealed, pin: random(32) }],
  slots: [{ id, blob: random(40) }],
};
const writeOptional = (prefix: string) => [`${prefix}succession`, `${prefix}recipients.0.pin`];
const invited = {
  identity_key: key,
  counter: 3,
  manifest_hash: random(32),
  mac_old: random(32),
};
const pairingId = random(10);
const registered = { nonce, registration, user_id: random(32), assertion };
const registeredOptional = [
  ...registrationOptional('registration.'),
  ...assertionOptional('assertion.'),
];
const released = { enc: key, ct: random(40), signature: random(64) };
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
    value: { nonce, credential: assertion, counter: 7 },
    optional: [...assertionOptional('credential.'), 'counter'],
  },
  vaultOpenResponse: {
    schema: vaultOpenResponseSchema,
    value: {
      vault: vector.entry,
      ancestry: [random(32)],
      successions: [succession],
      revoked: [random(16)],
      reset_at: 1_800_000_000,
    },
    optional: ['reset_at'],
    open: [''],
  },
  vaultRecoverRequest: {
    schema: vaultRecoverRequestSchema,
    value: { nonce, recovery_key: key, signature: random(64), counter: 7 },
    optional: ['counter'],
  },
  vaultStatusResponse: {
    schema: vaultStatusResponseSchema,
    value: { vault_id: id, etag: random(32), revoked: [id], reset_at: seconds, requests: 2 },
    optional: ['reset_at'],
    open: [''],
  },
  vaultWrite: { schema: vaultWriteSchema, value: { ...write }, optional: writeOptional('') },
  vaultWriteResponse: {
    schema: vaultWriteResponseSchema,
    value: { etag: random(32) },
    optional: [],
    open: [''],
  },
  vaultPinRequest: {
    schema: vaultPinRequestSchema,
    value: { identity_key: key, pin: random(32), signature: random(64) },
    optional: [],
  },
  vaultExportResponse: {
    schema: vaultExportResponseSchema,
    value: { vault: vector.entry, successions: [succession] },
    optional: [],
    open: [''],
  },
  vaultExport: {
    schema: vaultExportSchema,
    value: {
      format: VAULT_EXPORT_FORMAT,
      issuer: 'https://api.example.com',
      exported_at: seconds,
      entry: vector.entry,
      successions: [succession],
    },
    optional: [],
  },
  succession: { schema: successionSchema, value: { ...succession }, optional: [] },
  invitedEnrollment: {
    schema: invitedEnrollmentSchema,
    value: { ...registered, invitation: id, recipient, pin: random(32), mac_new: random(32) },
    optional: registeredOptional,
  },
  recoveryEnrollment: {
    schema: recoveryEnrollmentSchema,
    value: {
      ...registered,
      recovery_key: key,
      signature: random(64),
      if_match: random(32),
      write,
    },
    optional: [...registeredOptional, ...writeOptional('write.')],
  },
  invitationRequest: {
    schema: invitationRequestSchema,
    value: { id, ...invited },
    optional: [],
  },
  invitationIdRequest: { schema: invitationIdRequestSchema, value: { id }, optional: [] },
  invitationJoined: {
    schema: invitationReadResponseSchema,
    value: {
      status: 'joined',
      recipient: { ...recipient, credential_id: vector.credentialId, cose_key: random(77) },
      mac_new: random(32),
    },
    optional: [],
    open: [''],
  },
  invitationEnded: {
    schema: invitationReadResponseSchema,
    value: { status: 'ended' },
    optional: [],
    open: [''],
  },
  invitationOpenResponse: {
    schema: invitationOpenResponseSchema,
    value: { vault_id: id, ...invited, status: 'open', expires_at: seconds },
    optional: [],
    open: [''],
  },
  expiryResponse: {
    schema: expiryResponseSchema,
    value: { expires_at: seconds },
    optional: [],
    open: [''],
  },
  devicesResponse: {
    schema: devicesResponseSchema,
    value: {
      devices: [
        {
          id,
          credential_id: vector.credentialId,
          created_at: seconds,
          revoked_at: seconds,
          key_protection: 'passkey',
          backed_up: false,
        },
      ],
    },
    optional: ['devices.0.credential_id', 'devices.0.revoked_at'],
    open: [''],
  },
  deviceRevokeRequest: {
    schema: deviceRevokeRequestSchema,
    value: { device: id, nonce, credential: assertion },
    optional: assertionOptional('credential.'),
  },
  pairingResponse: {
    schema: pairingResponseSchema,
    value: { id: pairingId, expires_at: seconds },
    optional: [],
    open: [''],
  },
  pairingIdRequest: { schema: pairingIdRequestSchema, value: { id: pairingId }, optional: [] },
  pairingOpen: {
    schema: pairingReadResponseSchema,
    value: { status: 'open' },
    optional: [],
    open: [''],
  },
  pairingAnswered: {
    schema: pairingReadResponseSchema,
    value: { status: 'answered', name: 'Agent', commitment: random(32) },
    optional: [],
    open: [''],
  },
  pairingRevealed: {
    schema: pairingReadResponseSchema,
    value: {
      status: 'revealed',
      name: 'Agent',
      commitment: random(32),
      agent_key: key,
      nonce_a: random(32),
    },
    optional: [],
    open: [''],
  },
  pairingAnswerRequest: {
    schema: pairingAnswerRequestSchema,
    value: { id: pairingId, identity_key: key, nonce_b: random(32) },
    optional: [],
  },
  agentPairingCommitted: {
    schema: agentPairingResponseSchema,
    value: { status: 'committed', issuer: 'https://api.example.com', vault_id: id },
    optional: [],
    open: [''],
  },
  agentPairingAnswered: {
    schema: agentPairingResponseSchema,
    value: {
      status: 'answered',
      issuer: 'https://api.example.com',
      vault_id: id,
      identity_key: key,
      nonce_b: random(32),
    },
    optional: [],
    open: [''],
  },
  pairingCommitRequest: {
    schema: pairingCommitRequestSchema,
    value: { id: pairingId, commitment: random(32), name: 'Agent' },
    optional: [],
  },
  pairingRevealRequest: {
    schema: pairingRevealRequestSchema,
    value: { id: pairingId, agent_key: key, nonce_a: random(32) },
    optional: [],
  },
  waitingRequestsResponse: {
    schema: waitingRequestsResponseSchema,
    value: {
      requests: [{ request: random(300), signature: random(64), at: seconds, expires_at: seconds }],
    },
    optional: [],
    open: [''],
  },
  requestRejectRequest: {
    schema: requestRejectRequestSchema,
    value: { id, reason: 'Not now' },
    optional: [],
  },
  releaseRequest: {
    schema: releaseRequestSchema,
    value: { id, nonce, credential: assertion, ...released, receipt: random(900), write },
    optional: [...assertionOptional('credential.'), ...writeOptional('write.')],
  },
  emptyRequest: { schema: emptyRequestSchema, value: {}, optional: [] },
  pageRequest: { schema: pageRequestSchema, value: { before: seconds }, optional: ['before'] },
  releasesResponse: {
    schema: releasesResponseSchema,
    value: {
      releases: [
        {
          request: random(300),
          at: seconds,
          status: 'ended',
          uses: 3,
          last_used_at: seconds,
          ended_at: seconds,
        },
      ],
    },
    optional: ['releases.0.last_used_at', 'releases.0.ended_at'],
    open: [''],
  },
  releaseEndRequest: { schema: releaseEndRequestSchema, value: { id }, optional: [] },
  receiptsRequest: { schema: receiptsRequestSchema, value: { after: 20 }, optional: ['after'] },
  receiptsResponse: {
    schema: receiptsResponseSchema,
    value: { receipts: [{ number: 1, receipt: random(900) }] },
    optional: [],
    open: [''],
  },
  activityResponse: {
    schema: activityResponseSchema,
    value: {
      entries: [
        {
          id,
          at: seconds,
          type: 'vault_opened',
          device: id,
          recipient: id,
          agent: id,
          slot: id,
          request: id,
          key: id,
        },
      ],
    },
    optional: ['device', 'recipient', 'agent', 'slot', 'request', 'key'].map(
      (name) => `entries.0.${name}`,
    ),
    open: [''],
  },
  agentRequestRequest: {
    schema: agentRequestRequestSchema,
    value: { request: random(300), signature: random(64) },
    optional: [],
  },
  agentRequestIdRequest: { schema: agentRequestIdRequestSchema, value: { id }, optional: [] },
  agentRequestReleased: {
    schema: agentRequestReadResponseSchema,
    value: { status: 'released', ...released },
    optional: [],
    open: [''],
  },
  agentRequestTaken: {
    schema: agentRequestReadResponseSchema,
    value: { status: 'released' },
    optional: [],
    open: [''],
  },
  agentRequestRejected: {
    schema: agentRequestReadResponseSchema,
    value: { status: 'rejected', reason: 'Not now' },
    optional: [],
    open: [''],
  },
  agentRequestWaiting: {
    schema: agentRequestReadResponseSchema,
    value: { status: 'waiting' },
    optional: [],
    open: [''],
  },
  agentUsesRequest: {
    schema: agentUsesRequestSchema,
    value: { id, uses: 3, last_used_at: seconds, ended: false },
    optional: ['last_used_at'],
  },
  agentUsesResponse: {
    schema: agentUsesResponseSchema,
    value: { ended: true, identity_key: key },
    optional: [],
    open: [''],
  },
  agentEvent: {
    schema: agentEventSchema,
    value: { id, status: 'released' },
    optional: [],
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
      reset_at: seconds,
    },
    optional: ['error', 'hint', 'reset_at'],
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

/** What stands at a path. */
export function resolve(value: unknown, path: string): unknown {
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
