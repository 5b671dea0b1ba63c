import {
  ancestryPlaces,
  decodeBase64url,
  encodeBase64url,
  type JoiningRecipient,
  nodesAfter,
  parseManifest,
  parseMessage,
  RECOVERY,
  type Registration,
  type Succession,
  type VaultEntry,
  type VaultWrite,
  vaultEtag,
  vaultWriteSchema,
} from '@pzk-auth/protocol';
import { createMemoryStorage } from '../../src/index.js';
import { createSoftwareAuthenticator } from '../../src/testing/index.js';
import {
  apiKey,
  challengeAnswer,
  createClientOf,
  createIdleProver,
  type FakeIssuer,
  origin,
  problem,
  type SentRequest,
  tokenAnswer,
  user,
} from '../fake-issuer.js';

/** What a recipient gets of a vault. */
export interface StoredRecipient {
  readonly credentialId: string;
  sealed: VaultEntry['sealed'];
  pin: string;
}

/** A vault as a server stores it, open to a hostile hand. */
export interface StoredVault {
  vaultId: string;
  manifest: string;
  signature: string;
  slots: Map<string, string>;
  recipients: Map<string, StoredRecipient>;
  successions: Succession[];
  /** Of its history, by place. */
  nodes: Map<string, string>;
}

interface StoredInvitation {
  readonly opened: Record<string, unknown>;
  status: 'open' | 'joined' | 'ended';
  recipient?: JoiningRecipient;
  pin?: string;
  macNew?: string;
}

/** The members of the three forms of an enrolment. */
interface EnrollBody {
  readonly registration: Registration;
  readonly invitation?: string;
  readonly recipient: Pick<JoiningRecipient, 'id' | 'hpke_key' | 'salt' | 'generation'>;
  readonly pin: string;
  readonly mac_new: string;
  readonly recovery_key?: string;
  readonly if_match?: string;
  readonly write?: unknown;
  readonly vault?: VaultEntry;
}

/** A server in memory that does as it is told and checks only what its own part needs. */
export interface FakePlatform extends FakeIssuer {
  vault: StoredVault | undefined;
  revoked: string[];
  resetAt: number | undefined;
  readonly invitations: Map<string, StoredInvitation>;
  readonly requests: { request: string; signature: string; at: number; expires_at: number }[];
  readonly releases: Record<string, unknown>[];
  /** As its reading answers. */
  pairing: Record<string, unknown>;
  pairingAnswer: { identity_key: string; nonce_b: string } | undefined;
  /** The entry of a credential, or of `recovery`. */
  entryOf(credentialId: string): VaultEntry | undefined;
  /** A copy of what is stored, to be brought back. */
  snapshot(): StoredVault;
  apply(write: VaultWrite, credentialOf?: Map<string, string>): string;
}

const copy = (vault: StoredVault): StoredVault => ({
  ...vault,
  slots: new Map(vault.slots),
  recipients: new Map([...vault.recipients].map(([id, one]) => [id, { ...one }])),
  successions: [...vault.successions],
  nodes: new Map(vault.nodes),
});

export const manifestOf = (vault: StoredVault) => parseManifest(decodeBase64url(vault.manifest));
export const etagOf = (vault: StoredVault) => vaultEtag(decodeBase64url(vault.manifest));

/** base64url in an attestation object: the credential id and COSE key are read by the clients' tests. */
export function createFakePlatform(): FakePlatform {
  const sent: SentRequest[] = [];
  const answers = new Map<string, Parameters<FakeIssuer['respond']>[1]>();
  const json = (value: object, status = 200) => Response.json(value, { status });
  const nothing = () => new Response(null, { status: 204 });
  const soon = () => Math.floor(Date.now() / 1000) + 600;

  const platform: FakePlatform = {
    sent,
    vault: undefined,
    revoked: [],
    resetAt: undefined,
    invitations: new Map(),
    requests: [],
    releases: [],
    pairing: { status: 'ended' },
    pairingAnswer: undefined,
    respond: (path, answer) => void answers.set(path, answer),
    paths: () => sent.map(({ path }) => path),
    snapshot: () => copy(platform.vault as StoredVault),
    entryOf(credentialId) {
      const { vault } = platform;
      if (vault === undefined) return undefined;
      const listed = manifestOf(vault);
      const stored = [...vault.recipients.values()].find(
        (one) => one.credentialId === credentialId,
      );
      if (stored === undefined) return undefined;
      return {
        vault_id: vault.vaultId,
        manifest: vault.manifest,
        manifest_signature: vault.signature,
        sealed: stored.sealed,
        pin: stored.pin,
        slots: listed.slots.map(({ id }) => ({ id, blob: vault.slots.get(id) ?? '' })),
      };
    },
    apply(write) {
      const vault = platform.vault as StoredVault;
      const before = vault.recipients;
      for (const { level, position, hash } of nodesAfter(manifestOf(vault))) {
        vault.nodes.set(`${level} ${position}`, hash);
      }
      vault.manifest = write.manifest;
      vault.signature = write.manifest_signature;
      const next = manifestOf(vault);
      for (const { id, blob } of write.slots) vault.slots.set(id, blob);
      if (write.succession !== undefined) vault.successions.push(write.succession);
      const written = new Map(write.recipients.map((one) => [one.id, one]));
      vault.recipients = new Map(
        next.recipients.map(({ id, credential_id }) => {
          const one = written.get(id);
          const joined = [...platform.invitations.values()].find(
            ({ recipient }) => recipient?.id === id,
          );
          if (joined !== undefined) joined.status = 'ended';
          const old = before.get(id);
          const sealed = one?.sealed ?? old?.sealed;
          if (sealed === undefined) throw new Error('sealed missing');
          const pin = one?.pin ?? old?.pin ?? joined?.pin ?? '';
          return [id, { credentialId: credential_id, sealed, pin }];
        }),
      );
      for (const id of vault.slots.keys()) {
        if (next.slots.every((one) => one.id !== id)) vault.slots.delete(id);
      }
      return etagOf(vault);
    },
    async fetch(input, init) {
      const request = new Request(input, init);
      request.signal.throwIfAborted();
      const { pathname: path } = new URL(request.url);
      const entry = { path, body: await request.text(), headers: request.headers };
      sent.push(entry);
      return (await answers.get(path)?.(entry)) ?? byDefault(entry);
    },
  };

  function opened(entry: VaultEntry | undefined, remembered: number | undefined) {
    if (entry === undefined || platform.vault === undefined) return problem('not_found', 404);
    const { nodes } = platform.vault;
    const { counter } = manifestOf(platform.vault);
    const places = ancestryPlaces(counter, remembered ?? counter);
    return json({
      vault: entry,
      ancestry: places.map(({ level, position }) => nodes.get(`${level} ${position}`)),
      successions: platform.vault.successions,
      revoked: platform.revoked,
      ...(platform.resetAt === undefined ? {} : { reset_at: platform.resetAt }),
    });
  }

  function write(path: string, ifMatch: string | null, value: unknown): Response {
    const parsed = parseMessage(vaultWriteSchema, value);
    const { vault } = platform;
    if (vault === undefined) return problem('not_found', 404);
    if (ifMatch !== `"${etagOf(vault)}"`) return problem('vault_conflict', 412);
    return json({ etag: platform.apply(parsed) }, path === '/pzk/enroll' ? 201 : 200);
  }

  function enroll(body: EnrollBody): Response {
    const { invitation, vault: entry } = body;
    if (invitation !== undefined) {
      const stored = platform.invitations.get(invitation);
      if (stored?.status !== 'open') return problem('enrollment_refused', 403);
      stored.status = 'joined';
      stored.recipient = {
        ...body.recipient,
        credential_id: body.registration.id,
        cose_key: coseKeyOf(body.registration.response.attestationObject),
      };
      stored.pin = body.pin;
      stored.macNew = body.mac_new;
      return json({ expires_at: soon() }, 202);
    }
    if (body.recovery_key !== undefined) {
      return write('/pzk/enroll', `"${body.if_match}"`, body.write);
    }
    if (entry === undefined) return problem('invalid_request', 400);
    const manifest = parseManifest(decodeBase64url(entry.manifest));
    const [recipient] = manifest.recipients;
    platform.vault = {
      vaultId: entry.vault_id,
      manifest: entry.manifest,
      signature: entry.manifest_signature,
      slots: new Map(entry.slots.map(({ id, blob }) => [id, blob])),
      recipients: new Map([
        [
          recipient?.id ?? '',
          { credentialId: recipient?.credential_id ?? '', sealed: entry.sealed, pin: entry.pin },
        ],
      ]),
      successions: [],
      nodes: new Map(),
    };
    return json(tokenAnswer(), 201);
  }

  let pairingId = '';

  function byDefault({ path, body: text, headers }: SentRequest): Response {
    const isJson = headers.get('content-type') === 'application/json';
    const body = isJson ? JSON.parse(text) : {};
    const { vault } = platform;
    switch (path) {
      case '/pzk/challenge':
        return json(challengeAnswer());
      case '/pzk/token':
        return json(tokenAnswer());
      case '/pzk/enroll':
        return enroll(body);
      case '/pzk/vault/open':
        return opened(platform.entryOf(body.credential.id), body.counter);
      case '/pzk/vault/recover':
        return opened(platform.entryOf(RECOVERY), body.counter);
      case '/pzk/vault/export': {
        const entry = platform.entryOf(RECOVERY);
        if (entry === undefined) return problem('not_found', 404);
        return json({ vault: entry, successions: vault?.successions ?? [] });
      }
      case '/pzk/vault/status':
        return json({
          vault_id: vault?.vaultId,
          etag: vault && etagOf(vault),
          revoked: platform.revoked,
          requests: platform.requests.length,
          ...(platform.resetAt === undefined ? {} : { reset_at: platform.resetAt }),
        });
      case '/pzk/vault':
        return write(path, headers.get('if-match'), body);
      case '/pzk/vault/pin': {
        // The fake knows no tokens: the last credential that opened is the one that asks.
        const opener = sent.findLast(({ path: one }) => one === '/pzk/vault/open');
        const { id } = JSON.parse(opener?.body ?? '{}').credential;
        for (const one of vault?.recipients.values() ?? []) {
          if (one.credentialId === id) one.pin = body.pin;
        }
        return nothing();
      }
      case '/pzk/vault/invitations':
        platform.invitations.set(body.id, {
          status: 'open',
          opened: { ...body, vault_id: vault?.vaultId },
        });
        return json({ expires_at: soon() }, 201);
      case '/pzk/vault/invitations/open': {
        const stored = platform.invitations.get(body.id);
        if (stored === undefined) return problem('not_found', 404);
        const { id: _, ...told } = stored.opened;
        return json({ ...told, status: stored.status, expires_at: soon() });
      }
      case '/pzk/vault/invitations/read': {
        const stored = platform.invitations.get(body.id);
        if (stored === undefined) return problem('not_found', 404);
        const { status, recipient, macNew } = stored;
        return json(status === 'joined' ? { status, recipient, mac_new: macNew } : { status });
      }
      case '/pzk/devices':
        return json({
          devices: [...(vault?.recipients.values() ?? [])]
            .filter(({ credentialId }) => credentialId !== RECOVERY)
            .map(({ credentialId }) => ({
              id: `device-${credentialId.slice(0, 8)}`,
              credential_id: credentialId,
              created_at: 1,
              key_protection: 'passkey',
              backed_up: false,
            })),
        });
      case '/pzk/devices/revoke': {
        const found = [...(vault?.recipients ?? [])].find(
          ([, { credentialId }]) => body.device === `device-${credentialId.slice(0, 8)}`,
        );
        if (found !== undefined) platform.revoked.push(found[0]);
        return nothing();
      }
      case '/pzk/vault/pairings':
        // 10 bytes, another id each time: the end of an earlier pairing may come late.
        platform.pairing = { status: 'open' };
        pairingId = encodeBase64url(crypto.getRandomValues(new Uint8Array(10)));
        return json({ id: pairingId, expires_at: soon() }, 201);
      case '/pzk/vault/pairings/read':
        return json(platform.pairing);
      case '/pzk/vault/pairings/answer':
        Object.assign(platform.pairing, { status: 'answered' });
        platform.pairingAnswer = body;
        return nothing();
      case '/pzk/vault/pairings/end':
        if (body.id === pairingId) platform.pairing = { status: 'ended' };
        return nothing();
      case '/pzk/vault/requests/reject': {
        const index = platform.requests.findIndex(({ request }) =>
          Buffer.from(request, 'base64url').includes(body.id),
        );
        platform.requests.splice(index, 1);
        return nothing();
      }
      case '/pzk/vault/receipts': {
        const all = platform.releases.map(({ receipt }, at) => ({ number: at + 1, receipt }));
        return json({
          receipts: all.filter(({ number }) => number > (body.after ?? 0)).slice(0, 2),
        });
      }
      case '/pzk/vault/requests':
        return json({ requests: platform.requests });
      case '/pzk/vault/releases': {
        const answer = write(path, headers.get('if-match'), body.write);
        if (answer.ok) platform.releases.push(body);
        return answer;
      }
      default:
        return nothing();
    }
  }
  return platform;
}

/** The COSE key of an attestation object, as a server reads it. */
function coseKeyOf(attestationObject: string): string {
  const bytes = Buffer.from(attestationObject, 'base64url');
  const head = Buffer.from('a5010203262001215820', 'hex');
  const start = bytes.indexOf(head);
  return bytes.subarray(start, start + 77).toString('base64url');
}

export type TestDevice = ReturnType<typeof createDevice>;

/** A browser with a passkey and a storage of its own. */
export function createDevice(platform: FakePlatform) {
  const authenticator = createSoftwareAuthenticator({ origin });
  const storage = createMemoryStorage();
  const reload = () =>
    createClientOf(platform, { authenticator, storage, prover: createIdleProver() });
  return { authenticator, storage, reload, client: reload() };
}

/** A first device, enrolled and signed in. */
export async function enrolledDevice(platform: FakePlatform) {
  const device = createDevice(platform);
  await device.client.enroll({ apiKey, user });
  return device;
}

export const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
