import {
  type Bytes,
  isPzkError,
  PROOF_GRANT,
  sessionContext,
  tokenResponseSchema,
  type VaultPinRequest,
} from '@pzk-auth/protocol';
import type { SessionStep } from '../session/states.js';
import type { SessionKey } from '../transport/session-key.js';
import type { OpenedVaultEntry, OwnKeyWrite } from '../vault/open-vault-entry.js';
import type { VaultApprovals } from '../vault/unlock-vault-entry.js';
import type { ExchangeContext, TokenGrant } from './exchange-context.js';
import { type OpenVaultOptions, openVault } from './open-vault.js';
import { proveOwnership } from './prove-ownership.js';
import { requestChallenge } from './request-challenge.js';
import { touchPasskey } from './touch-passkey.js';

/** What a start takes. */
export interface StartSessionOptions extends VaultApprovals {
  /** Serves where this device has no vault that it can open. Overwritten by the caller. */
  readonly apiKey?: Bytes | undefined;
  /** Lets the user choose among all passkeys, also on a device that knows one. */
  readonly anyPasskey: boolean;
  readonly key: SessionKey;
  readonly signal: AbortSignal;
  readonly onStep: (step: SessionStep) => void;
}

/**
 * Without its vault, or where the key's slot is spoilt (by a device of the vault; or in the server's storage,
 * after the user's yes), one may go on with the key typed in; a vault that was altered is no such.
 */
const WITHOUT_VAULT: ReadonlySet<string> = new Set([
  'vault_missing',
  'prf_missing_at_get',
  'vault_slot_damaged',
]);

async function obtainApiKey(
  context: ExchangeContext,
  options: OpenVaultOptions,
  apiKey: Bytes | undefined,
): Promise<Pick<OpenedVaultEntry, 'apiKey' | 'pin' | 'ownKey'>> {
  try {
    return await openVault(context, options, apiKey);
  } catch (cause) {
    if (apiKey === undefined || !isPzkError(cause) || !WITHOUT_VAULT.has(cause.code)) throw cause;
    return { apiKey: apiKey.slice() };
  }
}

/** A session, and what the server is to be told with it. */
export interface StartedSession extends TokenGrant {
  /** Where the user approved another signer of the vault. */
  readonly pin?: VaultPinRequest;
  /** Where the vault lists no API key, and the one typed in has proved right. */
  readonly ownKey?: OwnKeyWrite;
}

/**
 * Starts a session with one touch: the same assertion reads the vault and stands behind the token. A
 * device that knows its passkey names it and asks for its PRF generation and the next; a fresh one
 * lets the user choose and asks for generations 1 and 2.
 */
export async function startSession(
  context: ExchangeContext,
  options: StartSessionOptions,
): Promise<StartedSession> {
  const { config, transport, records } = context;
  const { key, signal, onStep, approveSuccession, approveReplacedSlots, approveRollback } = options;
  const { issuer, audience, scope } = config;
  // Asked for at once, so that its absence shows before anything is sent.
  context.authenticator();

  onStep({ status: 'challenge' });
  const device = options.anyPasskey ? undefined : await records.readLastDevice();
  const { nonce, webauthn } = await requestChallenge(context, 'session', key, signal);

  onStep({ status: 'passkey' });
  const onTouch = (waiting: boolean) => onStep({ status: waiting ? 'passkey' : 'decrypting' });
  const touch = await touchPasskey(context, { challenge: webauthn, device, signal, onTouch });
  const { assertion } = touch;

  onStep({ status: 'decrypting' });
  const approvals = { approveSuccession, approveReplacedSlots, approveRollback };
  const opening = { nonce, touch, key, ...approvals, signal };
  const { apiKey, pin, ownKey } = await obtainApiKey(context, opening, options.apiKey);

  try {
    const contextOf = (commitment: string) =>
      sessionContext({
        issuer,
        audience,
        nonce,
        jkt: key.jkt,
        credentialId: assertion.id,
        scope,
        circuitId: config.circuit.id,
        commitment,
      });
    const proof = await proveOwnership(context, { apiKey, contextOf, signal, onStep });
    onStep({ status: 'exchanging' });
    const body = new URLSearchParams({
      grant_type: PROOF_GRANT,
      nonce,
      ...proof,
      credential: JSON.stringify(assertion),
    });
    return {
      token: await transport.post({ path: '/token', body, key, signal }, tokenResponseSchema),
      key,
      ...(pin === undefined ? {} : { pin }),
      ...(ownKey === undefined ? {} : { ownKey }),
    };
  } finally {
    apiKey.fill(0);
  }
}
