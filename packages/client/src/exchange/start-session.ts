import {
  type Bytes,
  FIRST_PRF_GENERATION,
  isPzkError,
  PROOF_GRANT,
  sessionContext,
  tokenResponseSchema,
} from '@pzk-auth/protocol';
import type { SessionStep } from '../session/states.js';
import type { SessionKey } from '../transport/session-key.js';
import { getPasskey } from '../webauthn/passkeys.js';
import { takePrfSecrets } from '../webauthn/prf-secrets.js';
import { serializeAssertion } from '../webauthn/serialize-credential.js';
import type { ExchangeContext, TokenGrant } from './exchange-context.js';
import { type OpenVaultOptions, openVault } from './open-vault.js';
import { proveOwnership } from './prove-ownership.js';
import { requestChallenge } from './request-challenge.js';

/** What a start takes. */
export interface StartSessionOptions {
  /** Serves where this device has no vault that it can open. Overwritten by the caller. */
  readonly apiKey?: Bytes | undefined;
  /** Lets the user choose among all passkeys, also on a device that knows one. */
  readonly anyPasskey: boolean;
  readonly key: SessionKey;
  readonly signal: AbortSignal;
  readonly onStep: (step: SessionStep) => void;
}

/** Without its vault a device may go on with the key typed in; a vault that was altered is no such. */
const WITHOUT_VAULT: ReadonlySet<string> = new Set(['vault_missing', 'prf_missing_at_get']);

async function obtainApiKey(
  context: ExchangeContext,
  options: OpenVaultOptions,
  apiKey: Bytes | undefined,
): Promise<Bytes> {
  try {
    return await openVault(context, options);
  } catch (cause) {
    if (apiKey === undefined || !isPzkError(cause) || !WITHOUT_VAULT.has(cause.code)) throw cause;
    return apiKey.slice();
  }
}

/**
 * Starts a session with one touch: the same assertion reads the vault and stands behind the token. A
 * device that knows its passkey names it and asks for its PRF generation and the next; a fresh one
 * lets the user choose and asks for generations 1 and 2.
 */
export async function startSession(
  context: ExchangeContext,
  options: StartSessionOptions,
): Promise<TokenGrant> {
  const { config, transport, records } = context;
  const { key, signal, onStep } = options;
  const { issuer, audience, rpId, scope } = config;
  const authenticator = context.authenticator();

  onStep({ status: 'challenge' });
  const device = options.anyPasskey ? undefined : await records.readLastDevice();
  const challenge = await requestChallenge(context, 'session', key, signal);
  const request = { authenticator, issuer, rpId, challenge: challenge.webauthn, signal };

  onStep({ status: 'passkey' });
  const generation = device?.generation ?? FIRST_PRF_GENERATION;
  const credential = await getPasskey({
    ...request,
    credentialId: device?.credentialId,
    generation,
  });
  const prf = await takePrfSecrets(credential);
  const assertion = serializeAssertion(credential);

  onStep({ status: 'decrypting' });
  const secrets = new Map<number, CryptoKey>();
  if (prf.first !== undefined) secrets.set(generation, prf.first);
  if (prf.second !== undefined) secrets.set(generation + 1, prf.second);
  const askGeneration = async (wanted: number) => {
    // Asked already and not answered: a second touch would change nothing.
    if (prf.first === undefined && generation > 0) return undefined;
    onStep({ status: 'passkey' });
    const again = await getPasskey({
      ...request,
      credentialId: assertion.id,
      generation: wanted,
    });
    onStep({ status: 'decrypting' });
    return (await takePrfSecrets(again)).first;
  };
  const { nonce } = challenge;
  const opening = { nonce, assertion, key, secrets, askGeneration, signal };
  const apiKey = await obtainApiKey(context, opening, options.apiKey);

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
    };
  } finally {
    apiKey.fill(0);
  }
}
