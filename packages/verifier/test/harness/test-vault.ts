import {
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto';
import {
  type Bytes,
  blobHash,
  decodeBase64url,
  encodeBase64url,
  formatEs256CoseKey,
  formatManifest,
  historyAfter,
  manifestSignatureMessage,
  pinWriteMessage,
  sealedHash,
  successionMessage,
  type VaultEntry,
  type VaultManifest,
  type VaultRecipient,
  type VaultWrite,
} from '@pzk-auth/protocol';
import { ISSUER } from './issuer.js';

/** Random bytes as base64url. */
export const random = (length: number): string =>
  encodeBase64url(new Uint8Array(randomBytes(length)));

/** A P-256 key pair with its public key as on the wire. */
export interface SigningPair {
  /** 65 bytes, base64url. */
  readonly publicKey: string;
  readonly privateKey: KeyObject;
  /** 64 bytes r and s, base64url. */
  sign(message: Uint8Array): string;
}

/** Makes a P-256 key pair. */
export function createSigningPair(): SigningPair {
  const pair = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'der' },
  });
  const privateKey = createPrivateKey(pair.privateKey);
  return {
    publicKey: encodeBase64url(new Uint8Array(pair.publicKey.subarray(-65))),
    privateKey,
    sign: (message) =>
      encodeBase64url(
        new Uint8Array(sign('sha256', message, { key: privateKey, dsaEncoding: 'ieee-p1363' })),
      ),
  };
}

type Sealed = VaultEntry['sealed'];
type Slot = VaultManifest['slots'][number];

/** A sealed part: to the server it is bytes of the right length. */
export const seal = (): Sealed => ({ enc: createSigningPair().publicKey, ct: random(80) });

/** What a recipient needs besides its id. */
export interface RecipientKeys {
  readonly credentialId: string;
  readonly coseKey: string;
}

/** A manifest in the making. */
export type Draft = { -readonly [K in keyof VaultManifest]: VaultManifest[K] };

/** A vault as its devices know it; the cryptography that the server does not see is left out. */
export interface TestVault {
  readonly vaultId: string;
  readonly identity: SigningPair;
  readonly manifest: VaultManifest;
  readonly bytes: Bytes;
  readonly signature: string;
}

/** H of a manifest's bytes: the entity tag. */
export const etagOf = ({ bytes }: TestVault): string =>
  createHash('sha256').update(bytes).digest('base64url');

/** A recipient of the roster with its sealed part. */
export function makeRecipient(
  { credentialId, coseKey }: RecipientKeys,
  counter: number,
  over: Partial<VaultRecipient> = {},
): { readonly listed: VaultRecipient; readonly sealed: Sealed } {
  const sealed = seal();
  const listed = {
    id: random(16),
    hpke_key: createSigningPair().publicKey,
    credential_id: credentialId,
    cose_key: coseKey,
    salt: random(32),
    generation: 1,
    counter,
    sealed_hash: encodeBase64url(sealedHash(sealed)),
    ...over,
  };
  return { listed, sealed };
}

/** A recovery code's signing key and recipient. */
export function makeRecovery(counter: number) {
  const pair = createSigningPair();
  const coseKey = encodeBase64url(formatEs256CoseKey(decodeBase64url(pair.publicKey)));
  return { pair, ...makeRecipient({ credentialId: 'recovery', coseKey }, counter) };
}

/** A slot with a fresh blob, of the length that its kind has. */
export function makeSlot(
  over: Partial<Slot> & { readonly size?: number; readonly blob?: string } = {},
) {
  const { size = over.kind === 'api-key' ? 64 : 28 + 256, blob = random(size), ...rest } = over;
  const listed: Slot = {
    id: random(16),
    version: 1,
    kind: 'secret',
    blob_hash: encodeBase64url(blobHash(blob)),
    ...rest,
  };
  return { listed, sent: { id: listed.id, blob } };
}

function finish(manifest: VaultManifest, identity: SigningPair): TestVault {
  const bytes = formatManifest(manifest);
  const vaultId = manifest.vault_id;
  const signature = identity.sign(manifestSignatureMessage(vaultId, bytes));
  return { vaultId, identity, manifest, bytes, signature };
}

/** The first vault of a device. */
export function createTestVault(
  keys: RecipientKeys,
  issuer = ISSUER,
  vaultId: string = random(16),
) {
  const identity = createSigningPair();
  const { listed, sealed } = makeRecipient(keys, 1);
  const slot = makeSlot({ kind: 'api-key' });
  const vault = finish(
    {
      issuer,
      vault_id: vaultId,
      identity_key: identity.publicKey,
      counter: 1,
      previous: '',
      history: [],
      recipients: [listed],
      slots: [slot.listed],
      agents: [],
      receipts_head: '',
    },
    identity,
  );
  const entry: VaultEntry = {
    vault_id: vault.vaultId,
    manifest: encodeBase64url(vault.bytes),
    manifest_signature: vault.signature,
    sealed,
    pin: random(32),
    slots: [slot.sent],
  };
  return { vault, entry, recipient: listed };
}

/** What a write carries besides its manifest. */
export interface WriteParts {
  readonly recipients?: VaultWrite['recipients'];
  readonly slots?: VaultWrite['slots'];
  /** Another identity key, with the recipient that rotates. */
  readonly rotate?: { readonly identity: SigningPair; readonly by: string };
  /** Overrides of the finished write, for attacks. */
  readonly over?: Partial<VaultWrite>;
}

/** A pin sent without a write; `over` for attacks. */
export function makePinRequest(
  { identity, manifest }: Pick<TestVault, 'identity' | 'manifest'>,
  recipientId: string,
  over: { readonly salt?: string; readonly pin?: string } = {},
) {
  const pin = over.pin ?? random(32);
  const listed = manifest.recipients.find(({ id }) => id === recipientId);
  const message = pinWriteMessage({
    issuer: manifest.issuer,
    vaultId: manifest.vault_id,
    recipientId,
    salt: decodeBase64url(over.salt ?? listed?.salt ?? ''),
    identityKey: decodeBase64url(manifest.identity_key),
    pin: decodeBase64url(pin),
  });
  return { identity_key: manifest.identity_key, pin, signature: identity.sign(message) };
}

/** A write that follows a vault: the successor of its manifest, as `change` leaves it, signed. */
export function makeWrite(
  before: TestVault,
  change: (draft: Draft) => void,
  parts: WriteParts = {},
): { readonly after: TestVault; readonly write: VaultWrite } {
  const { rotate } = parts;
  const identity = rotate?.identity ?? before.identity;
  const draft: Draft = {
    ...structuredClone(before.manifest),
    counter: before.manifest.counter + 1,
    previous: etagOf(before),
    history: historyAfter(before.manifest),
    identity_key: identity.publicKey,
  };
  change(draft);
  const after = finish(draft, identity);
  const succession = rotate && {
    old_identity_key: before.identity.publicKey,
    identity_key: identity.publicKey,
    counter: draft.counter,
    previous: etagOf(before),
    by: rotate.by,
    signature: before.identity.sign(
      successionMessage({
        issuer: draft.issuer,
        vaultId: before.vaultId,
        oldIdentityKey: decodeBase64url(before.identity.publicKey),
        newIdentityKey: decodeBase64url(identity.publicKey),
        counter: draft.counter,
        previous: decodeBase64url(etagOf(before)),
        by: rotate.by,
      }),
    ),
  };
  const write: VaultWrite = {
    manifest: encodeBase64url(after.bytes),
    manifest_signature: after.signature,
    ...(succession === undefined ? {} : { succession }),
    recipients: parts.recipients ?? [],
    slots: parts.slots ?? [],
    ...parts.over,
  };
  return { after, write };
}

/** Adds a slot. */
export function addSlot(before: TestVault, over: Parameters<typeof makeSlot>[0] = {}) {
  const slot = makeSlot(over);
  return makeWrite(before, (draft) => draft.slots.push(slot.listed), { slots: [slot.sent] });
}

/** Takes recipients out: a new identity key, every slot and every remaining recipient sealed anew. */
export function rotateVault(
  before: TestVault,
  { by, without = [] }: { readonly by: string; readonly without?: readonly string[] },
) {
  const recipients: VaultWrite['recipients'] = [];
  const slots: VaultWrite['slots'] = [];
  return makeWrite(
    before,
    (draft) => {
      draft.recipients = draft.recipients
        .filter(({ id }) => !without.includes(id))
        .map((recipient) => {
          const sealed = seal();
          recipients.push({
            id: recipient.id,
            sealed,
            ...(recipient.id === by ? { pin: random(32) } : {}),
          });
          const sealed_hash = encodeBase64url(sealedHash(sealed));
          return { ...recipient, counter: draft.counter, sealed_hash };
        });
      draft.slots = draft.slots.map(({ id, version, kind }) => {
        const slot = makeSlot({ id, version: version + 1, kind });
        slots.push(slot.sent);
        return slot.listed;
      });
    },
    { recipients, slots, rotate: { identity: createSigningPair(), by } },
  );
}
