import {
  type Bytes,
  enrollContext,
  PROOF_GRANT,
  sessionContext,
  tokenResponseSchema,
} from '@pzk-auth/protocol';
import type { SessionState } from '../session/states.js';
import type { SessionKey } from '../transport/session-key.js';
import type { ExchangeContext, ProvingStep, TokenGrant } from './exchange-context.js';
import { proveOwnership } from './prove-ownership.js';
import { requestChallenge } from './request-challenge.js';

/** What an exchange without a passkey takes. */
export interface HeadlessOptions<Step> {
  readonly apiKey: Bytes;
  readonly key: SessionKey;
  readonly signal: AbortSignal;
  readonly onStep: (step: Step) => void;
}

type HeadlessStep = ProvingStep | Extract<SessionState, { status: 'challenge' | 'exchanging' }>;

function contextFields({ config }: ExchangeContext, nonce: string, key: SessionKey) {
  const { issuer, audience, scope, circuit } = config;
  return { issuer, audience, nonce, jkt: key.jkt, credentialId: '', scope, circuitId: circuit.id };
}

/** Registers the key pair itself as the device, for keys that demand `keypair`. */
export async function enrollHeadless(
  context: ExchangeContext,
  { apiKey, key, signal, onStep }: HeadlessOptions<HeadlessStep>,
): Promise<TokenGrant> {
  onStep({ status: 'challenge' });
  const { nonce } = await requestChallenge(context, 'enroll', key, signal);
  const fields = contextFields(context, nonce, key);
  const contextOf = (commitment: string) => enrollContext({ ...fields, commitment });
  const proof = await proveOwnership(context, { apiKey, contextOf, signal, onStep });
  onStep({ status: 'exchanging' });
  const request = { path: '/enroll', body: { nonce, ...proof }, key, signal };
  return { token: await context.transport.post(request, tokenResponseSchema), key };
}

/** Starts a session with proof and key pair alone, for keys that demand `keypair` or `none`. */
export async function startHeadless(
  context: ExchangeContext,
  { apiKey, key, signal, onStep }: HeadlessOptions<HeadlessStep>,
): Promise<TokenGrant> {
  onStep({ status: 'challenge' });
  const { nonce } = await requestChallenge(context, 'session', key, signal);
  const fields = contextFields(context, nonce, key);
  const contextOf = (commitment: string) => sessionContext({ ...fields, commitment });
  const proof = await proveOwnership(context, { apiKey, contextOf, signal, onStep });
  onStep({ status: 'exchanging' });
  const body = new URLSearchParams({ grant_type: PROOF_GRANT, nonce, ...proof });
  const request = { path: '/token', body, key, signal };
  return { token: await context.transport.post(request, tokenResponseSchema), key };
}
