import {
  decodeBase64url,
  encodeBase64url,
  expiryResponseSchema,
  type InvitationOpenResponse,
  invitationOpenResponseSchema,
  isPzkError,
  PzkError,
} from '@pzk-auth/protocol';
import type { SessionKey } from '../transport/session-key.js';
import {
  deriveInvitationKeys,
  type InvitationKeys,
  invitationInvalid,
  parseInvitationCode,
} from '../vault/invitation-keys.js';
import { randomId } from '../vault/random-id.js';
import { deriveConfirmedKeys } from '../vault/recipient-keys.js';
import { makePin } from '../vault/unlock-vault-entry.js';
import type { PasskeyUser } from '../webauthn/passkeys.js';
import type { ExchangeContext } from './exchange-context.js';
import { withNewPasskey } from './new-passkey.js';
import { requestChallenge } from './request-challenge.js';

/** What accepting an invitation takes. */
export interface AcceptInvitationOptions {
  /** The code, the fragment, or the whole link. */
  readonly code: string;
  readonly user: PasskeyUser;
  readonly switchVault: boolean;
  readonly key: SessionKey;
  readonly signal: AbortSignal;
}

async function readInvitation(
  { config, transport }: ExchangeContext,
  keys: InvitationKeys,
  signal: AbortSignal,
): Promise<InvitationOpenResponse> {
  const { id } = keys;
  let answer: InvitationOpenResponse;
  try {
    const request = { path: '/vault/invitations/open', body: { id }, signal };
    answer = await transport.post(request, invitationOpenResponseSchema);
  } catch (cause) {
    if (!isPzkError(cause) || cause.code !== 'not_found') throw cause;
    throw invitationInvalid('There is no such invitation.', 'It may have ended: ask for another.');
  }
  const fields = {
    issuer: config.issuer,
    vaultId: answer.vault_id,
    identityKey: decodeBase64url(answer.identity_key),
    counter: answer.counter,
    manifestHash: decodeBase64url(answer.manifest_hash),
  };
  if (!(await keys.verifyOld(fields, decodeBase64url(answer.mac_old)))) {
    throw invitationInvalid('The vault is not the one of the invitation.');
  }
  if (answer.status === 'open') return answer;
  throw invitationInvalid('The invitation has ended.', 'Ask for another on the other device.');
}

/**
 * A link of somebody else would have the browser open their vault from then on, where they read what is added.
 *
 * @throws PzkError `vault_switch_required`
 */
async function assertNoOther({ records }: ExchangeContext, vaultId: string): Promise<void> {
  const known = await records.readLastVault();
  if (known === undefined || known.vault.vaultId === vaultId) return;
  throw new PzkError('vault_switch_required', 'This browser opens another vault.', {
    hint: 'Ask the user whether it is to open the one of the invitation instead, and accept it with switchVault on a yes.',
  });
}

/**
 * Joins from a browser of its own: makes a passkey for the vault that the invitation vouches for, and
 * offers it to the inviting device.
 *
 * @returns Until when the inviting device can take it in, seconds since the epoch.
 */
export async function acceptInvitation(
  context: ExchangeContext,
  { code, user, switchVault, key, signal }: AcceptInvitationOptions,
): Promise<number> {
  const { config, transport, records } = context;
  const { issuer } = config;
  const keys = await deriveInvitationKeys(parseInvitationCode(code), issuer);
  const invitation = await readInvitation(context, keys, signal);
  const { vault_id: vaultId, identity_key: identityKey } = invitation;
  if (!switchVault) await assertNoOther(context, vaultId);
  const { nonce, webauthn } = await requestChallenge(context, 'enroll', key, signal);

  return withNewPasskey(
    context,
    { user, challenge: webauthn, signal },
    async (passkey, sending) => {
      const { credentialId, coseKey, generation, deviceSecret } = passkey;
      const recipientId = randomId();
      const salt = crypto.getRandomValues(new Uint8Array(32));
      const derivation = { issuer, vaultId, credentialId, generation };
      const { hpkePublicKey: hpkeKey, pinKey } = await deriveConfirmedKeys(
        passkey,
        derivation,
        salt,
      );
      const mac = await keys.signNew({
        issuer,
        vaultId,
        recipientId,
        hpkeKey,
        credentialId,
        coseKey,
        salt,
        generation,
      });
      const pin = await makePin(pinKey, {
        issuer,
        vaultId,
        recipientId,
        identityKey: decodeBase64url(identityKey),
      });
      if (deviceSecret !== undefined) await records.writeDeviceSecret(credentialId, deviceSecret);
      const body = {
        nonce,
        registration: passkey.registration,
        user_id: passkey.userId,
        assertion: passkey.assertion,
        invitation: keys.id,
        recipient: {
          id: recipientId,
          hpke_key: encodeBase64url(hpkeKey),
          salt: encodeBase64url(salt),
          generation,
        },
        pin: encodeBase64url(pin),
        mac_new: encodeBase64url(mac),
      };
      // As if it had opened that manifest: another vault, or an older state of this one, is refused. Before
      // it is sent: should the answer be lost, the device may be taken in all the same.
      const { counter, manifest_hash } = invitation;
      const manifestHash = decodeBase64url(manifest_hash);
      const device = {
        credentialId,
        generation,
        vault: { vaultId, identityKey, counter, manifestHash },
      };
      await records.noteDevice(device);
      sending();
      const request = { path: '/enroll', body, key, signal };
      const { expires_at } = await transport.post(request, expiryResponseSchema);
      await records.chooseDevice(device);
      return expires_at;
    },
  );
}
