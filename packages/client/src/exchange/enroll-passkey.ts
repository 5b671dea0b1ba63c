import {
  type Bytes,
  decodeBase64url,
  encodeBase64url,
  enrollContext,
  parseManifest,
  tokenResponseSchema,
  vaultEntryHash,
} from '@pzk-auth/protocol';
import type { EnrollState } from '../session/states.js';
import type { SessionKey } from '../transport/session-key.js';
import { createVaultEntry } from '../vault/create-vault-entry.js';
import { randomId } from '../vault/random-id.js';
import { rosterOf } from '../vault/roster.js';
import { encodeNames } from '../vault/slot-changes.js';
import type { PasskeyUser } from '../webauthn/passkeys.js';
import type { ExchangeContext, TokenGrant } from './exchange-context.js';
import { type NewPasskey, withNewPasskey } from './new-passkey.js';
import { proveOwnership } from './prove-ownership.js';
import { requestChallenge } from './request-challenge.js';

/** What an enrolment takes. */
export interface EnrollPasskeyOptions {
  readonly apiKey: Bytes;
  readonly user: PasskeyUser;
  readonly deviceName?: string | undefined;
  readonly key: SessionKey;
  readonly signal: AbortSignal;
  readonly onStep: (step: EnrollState) => void;
}

/** Seals the API key into a new vault, proves the key and makes the request. */
async function prepareEnrollment(
  context: ExchangeContext,
  nonce: string,
  passkey: NewPasskey,
  { apiKey, deviceName, key, signal, onStep }: EnrollPasskeyOptions,
) {
  const { config, records } = context;
  const { issuer, audience, scope } = config;
  const { credentialId, coseKey, registration, assertion, userId, deviceSecret } = passkey;

  onStep({ status: 'sealing' });
  const vault = await createVaultEntry({ issuer, apiKey, deviceName, ...passkey });
  if (deviceSecret !== undefined) {
    // Before the server learns of the vault: without this record nobody could open it.
    await records.writeDeviceSecret(credentialId, deviceSecret);
  }

  const contextOf = (commitment: string) =>
    enrollContext({
      issuer,
      audience,
      nonce,
      jkt: key.jkt,
      credentialId,
      scope,
      circuitId: config.circuit.id,
      commitment,
      coseKey,
      recipientKey: vault.recipientKey,
      vaultEntryHash: vaultEntryHash(vault.entry),
    });
  const proof = await proveOwnership(context, { apiKey, contextOf, signal, onStep });
  const body = {
    nonce,
    ...proof,
    registration,
    user_id: userId,
    assertion,
    recipient_key: encodeBase64url(vault.recipientKey),
    vault: vault.entry,
  };
  const device = {
    credentialId,
    generation: passkey.generation,
    vault: vault.memory,
  };
  const roster = rosterOf(parseManifest(decodeBase64url(vault.entry.manifest)));
  return { body, device, roster };
}

/**
 * Enrols this device: makes a passkey, confirms it, seals the API key into a new vault, proves the
 * key and registers all of it, bound together by the proof. A passkey that the server does not take
 * is signalled to the authenticator as unknown.
 */
export async function enrollPasskey(
  context: ExchangeContext,
  options: EnrollPasskeyOptions,
): Promise<TokenGrant> {
  const { transport, records } = context;
  const { key, signal, onStep, user, deviceName } = options;
  // Before a passkey is made in vain.
  if (deviceName !== undefined) encodeNames(new Map([[randomId(), deviceName]]));
  // Asked for at once, so that its absence shows before anything is sent.
  context.authenticator();

  onStep({ status: 'challenge' });
  const { nonce, webauthn } = await requestChallenge(context, 'enroll', key, signal);
  const making = {
    user,
    challenge: webauthn,
    signal,
    onStep: (status: 'creating-passkey' | 'confirming-passkey') => onStep({ status }),
  };
  return withNewPasskey(context, making, async (passkey, sending) => {
    const { body, device, roster } = await prepareEnrollment(context, nonce, passkey, options);
    onStep({ status: 'exchanging' });
    sending();
    const token = await transport.post({ path: '/enroll', body, key, signal }, tokenResponseSchema);
    // The user has made it here, alone.
    await records.advanceDevice(device, { roster: () => roster });
    return { token, key };
  });
}
