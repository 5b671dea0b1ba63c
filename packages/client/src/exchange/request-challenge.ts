import {
  type Bytes,
  type ChallengeRequest,
  type ChallengeResponse,
  challengeResponseSchema,
  encodeBase64url,
  PzkError,
  webauthnChallenge,
} from '@pzk-auth/protocol';
import type { ClientConfig } from '../client-options.js';
import type { SessionKey } from '../transport/session-key.js';
import type { ExchangeContext } from './exchange-context.js';

/** A challenge that agrees with the client's own configuration. */
export interface Challenge {
  readonly nonce: string;
  /** What the passkey signs, computed here. */
  readonly webauthn: Bytes;
}

function hexToBase64url(hex: string): string {
  return encodeBase64url(
    Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16)),
  );
}

function assertOwnConfiguration(answer: ChallengeResponse, config: ClientConfig): void {
  const differs =
    (answer.issuer !== config.issuer && 'issuer') ||
    (answer.audience !== config.audience && 'audience') ||
    (answer.rp_id !== config.rpId && 'rpId') ||
    (answer.scope !== config.scope && 'scope');
  if (differs) {
    throw new PzkError(
      'issuer_mismatch',
      'The server has another configuration than this client.',
      {
        hint: `Compare ${differs} of client and server.`,
      },
    );
  }
  const { circuit } = config;
  if (
    answer.circuit.id !== circuit.id ||
    answer.circuit.prover !== hexToBase64url(circuit.prover.sha256) ||
    answer.circuit.verification_key !== hexToBase64url(circuit.verificationKey.sha256)
  ) {
    throw new PzkError('artifact_mismatch', 'The server uses another circuit than this client.', {
      hint: 'Build client and server with the same version of @pzk-auth/circuits.',
    });
  }
}

/**
 * Asks for a nonce and compares all else in the answer with the own configuration: a client signs
 * only what it computed itself.
 *
 * @throws PzkError `issuer_mismatch`, `artifact_mismatch`, and what the transport throws
 */
export async function requestChallenge(
  context: ExchangeContext,
  purpose: 'enroll' | 'session',
  key: SessionKey,
  signal: AbortSignal,
): Promise<Challenge> {
  const { issuer, audience, scope } = context.config;
  const { jkt } = key;
  const nonce = await requestNonce(context, purpose, key, signal);
  return { nonce, webauthn: webauthnChallenge({ purpose, issuer, audience, nonce, jkt, scope }) };
}

/**
 * Asks for a nonce and compares all else in the answer with the own configuration.
 *
 * @throws PzkError as {@link requestChallenge}
 */
export async function requestNonce(
  { config, transport, signer }: ExchangeContext,
  purpose: ChallengeRequest['purpose'],
  { jkt }: SessionKey,
  signal: AbortSignal,
): Promise<string> {
  const { scope, resource } = config;
  const body = { purpose, jkt, scope, ...(resource === undefined ? {} : { resource }) };
  const answer = await transport.post(
    { path: '/challenge', body, signal },
    challengeResponseSchema,
  );
  assertOwnConfiguration(answer, config);
  // Only for `iat`: a server that lies about the time makes its own DPoP checks fail, no more.
  signer.clockOffset = answer.now * 1000 - config.clock();
  return answer.nonce;
}
