import {
  decodeBase64url,
  encodeBase64url,
  expiryResponseSchema,
  invitationReadResponseSchema,
  type JoiningRecipient,
  limits,
  PzkError,
  RECOVERY,
} from '@pzk-auth/protocol';
import {
  createInvitationCode,
  deriveInvitationKeys,
  formatInvitationFragment,
  type InvitationKeys,
  invitationInvalid,
} from '../vault/invitation-keys.js';
import { type PreparedWrite, prepareWrite } from '../vault/prepare-write.js';
import { type SealedRecipient, sealToRecipient } from '../vault/seal-recipient.js';
import { encodeNames, nameRecipient } from '../vault/slot-changes.js';
import type { UnlockedVault } from '../vault/unlocked-vault.js';
import { assertCompared } from '../vault/vault-memory.js';
import type { TouchOptions, VaultContext } from './vault-context.js';

/** A device that waits to be taken into the vault. The code vouches for all of it. */
export interface JoiningDevice {
  /** Recipient id. */
  readonly id: string;
  /** base64url. */
  readonly credentialId: string;
  /** `device` where its secret rests in the browser's storage. */
  readonly kind: 'passkey' | 'device';
}

/** Where an invitation stands. */
export type InvitationState =
  | { readonly status: 'open' }
  /** Show the device to the user, and on a yes `admit`. */
  | { readonly status: 'joined'; readonly device: JoiningDevice }
  | { readonly status: 'ended' };

/** Options of {@link Invitation.admit}. */
export interface AdmitOptions extends TouchOptions {
  /** What the user calls the device, 1 to 64 characters. Default: nothing. */
  readonly name?: string;
}

/** An invitation of another device. Keep it on this page: nothing of it is stored. */
export interface Invitation {
  /** To be carried to the other device outside the platform: whoever has it can ask to join. */
  readonly code: string;
  /** The same as the fragment of a link, without `#`: show it as a QR code. */
  readonly fragment: string;
  /** Seconds since the epoch. */
  readonly expiresAt: number;
  /**
   * Asks whether a device has joined. `ended` after 10 minutes by this device's clock, too.
   *
   * @throws PzkError `invitation_invalid` for a device that the code does not vouch for, and for a second
   * one in place of the first, from then on: somebody else has the code
   */
  poll(): Promise<InvitationState>;
  /**
   * Takes the device that `poll` has shown into the vault, with a touch. Only on the user's yes.
   *
   * @throws PzkError `invitation_invalid`, also where the keys of the vault have changed since the
   * invitation was made; `invalid_request` for a name that cannot be shown; `vault_repin_required` and
   * others as at `open`
   */
  admit(options?: AdmitOptions): Promise<void>;
  cancel(): Promise<void>;
}

async function assertVouched(
  keys: InvitationKeys,
  vault: Pick<UnlockedVault, 'manifest'>,
  recipient: JoiningRecipient,
  mac: string,
): Promise<void> {
  const { issuer, vault_id: vaultId } = vault.manifest;
  const fields = {
    issuer,
    vaultId,
    recipientId: recipient.id,
    hpkeKey: decodeBase64url(recipient.hpke_key),
    credentialId: recipient.credential_id,
    coseKey: decodeBase64url(recipient.cose_key),
    salt: decodeBase64url(recipient.salt),
    generation: recipient.generation,
  };
  if (
    recipient.credential_id !== RECOVERY &&
    (await keys.verifyNew(fields, decodeBase64url(mac)))
  ) {
    return;
  }
  throw invitationInvalid(
    'What wants to join was not made with this invitation.',
    'Somebody else may have answered. Cancel the invitation and make another.',
  );
}

async function prepareAdmission(
  vault: UnlockedVault,
  joining: JoiningRecipient,
  identityKey: string,
  name: string,
): Promise<PreparedWrite> {
  const { issuer, vault_id: vaultId, counter, recipients, identity_key } = vault.manifest;
  if (identity_key !== identityKey) {
    throw invitationInvalid(
      'The keys of the vault have changed since.',
      'Make another invitation.',
    );
  }
  let sealed: SealedRecipient;
  try {
    const place = { issuer, vaultId, counter: counter + 1 };
    sealed = await sealToRecipient(place, joining, vault.secrets);
  } catch (cause) {
    throw new PzkError('invitation_invalid', 'The key of the device is none.', { cause });
  }
  const roster = [...recipients, sealed.recipient];
  const { listed, slots } =
    name === ''
      ? { listed: vault.manifest.slots, slots: [] }
      : await nameRecipient(vault, roster, { id: joining.id, name });
  return prepareWrite(vault, {
    manifest: { recipients: roster, slots: listed },
    recipients: [{ id: joining.id, sealed: sealed.sealed }],
    slots,
  });
}

const isSame = (a: JoiningRecipient, b: JoiningRecipient) =>
  a.id === b.id &&
  a.hpke_key === b.hpke_key &&
  a.credential_id === b.credential_id &&
  a.cose_key === b.cose_key &&
  a.salt === b.salt &&
  a.generation === b.generation;

/** Invites another device: the vault has to be open. */
export async function createInvitation(context: VaultContext): Promise<Invitation> {
  const { api, holder, exchange } = context;
  const code = createInvitationCode();
  const keys = await deriveInvitationKeys(code, exchange.config.issuer);
  const { id } = keys;
  const invited = await holder.read(({ manifest, memory }) => {
    // The invited device would remember it as if it had seen the vault come about.
    assertCompared(memory);
    return { manifest, memory };
  });
  const { issuer, vault_id: vaultId, identity_key: identityKey, counter } = invited.manifest;
  const mac = await keys.signOld({
    issuer,
    vaultId,
    identityKey: decodeBase64url(identityKey),
    counter,
    manifestHash: invited.memory.manifestHash,
  });
  const body = {
    id,
    mac_old: encodeBase64url(mac),
    identity_key: identityKey,
    counter,
    manifest_hash: encodeBase64url(invited.memory.manifestHash),
  };
  const { clock } = exchange.config;
  // By this device's clock: the server decides not how long a code that was carried about is good.
  const endsAt = clock() + limits.invitationSeconds * 1000;
  const { expires_at } = await api.post('/vault/invitations', body, expiryResponseSchema);
  const ownExpiry = Math.floor((endsAt + exchange.signer.clockOffset) / 1000);
  /** The first that was checked and shown; only this one is taken in. */
  let shown: JoiningRecipient | undefined;
  /** Another came in its place: the invitation serves nobody any more. */
  let alarm: PzkError | undefined;

  async function read(): Promise<InvitationState> {
    if (alarm !== undefined) throw alarm;
    if (clock() >= endsAt) return Object.freeze({ status: 'ended' });
    const answer = await api.post('/vault/invitations/read', { id }, invitationReadResponseSchema);
    if (answer.status !== 'joined') return Object.freeze({ status: answer.status });
    const { recipient } = answer;
    if (shown !== undefined && !isSame(shown, recipient)) {
      alarm = invitationInvalid(
        'A second device has joined the invitation.',
        'Somebody else has its code. Take in neither: cancel it and make another.',
      );
      throw alarm;
    }
    await assertVouched(keys, invited, recipient, answer.mac_new);
    shown = recipient;
    const kind = recipient.generation === 0 ? 'device' : 'passkey';
    const { id: recipientId, credential_id: credentialId } = recipient;
    const device = Object.freeze({ id: recipientId, credentialId, kind } as const);
    return Object.freeze({ status: 'joined', device });
  }

  /** @throws PzkError `invitation_invalid` where the device that was shown does not wait any more */
  async function assertWaits(): Promise<void> {
    if ((await read()).status === 'joined') return;
    throw invitationInvalid('The invitation has ended.', 'Make another.');
  }

  return Object.freeze({
    code,
    fragment: formatInvitationFragment(code),
    expiresAt: Math.min(expires_at, ownExpiry),
    poll: read,
    async admit({ name = '', ...options }: AdmitOptions = {}): Promise<void> {
      const joining = shown;
      if (joining === undefined) throw invitationInvalid('No device has joined yet.');
      if (name !== '') encodeNames(new Map([[joining.id, name]]));
      // Before the touch, which would be in vain, and after it, which may have taken its time.
      await assertWaits();
      await context.openAgain(options);
      await assertWaits();
      await holder.change(async (vault) => ({
        prepared: await prepareAdmission(vault, joining, identityKey, name),
        result: undefined,
      }));
    },
    cancel: () => api.postVoid('/vault/invitations/cancel', { id }),
  });
}
