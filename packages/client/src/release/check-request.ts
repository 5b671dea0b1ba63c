import {
  type Bytes,
  decodeBase64url,
  equalBytes,
  isAgentRequestTimely,
  type ParsedAgentRequest,
  PzkError,
  parseAgentRequest,
  sha256,
  type VaultAgent,
  type VaultManifest,
} from '@pzk-auth/protocol';
import { verifyIdentitySignature } from '../vault/identity-key.js';

/** A request of an agent that passed every check against the open vault. */
export interface CheckedRequest {
  readonly request: ParsedAgentRequest;
  /** As the manifest lists it. */
  readonly agent: VaultAgent;
  /** Likewise. */
  readonly slot: VaultManifest['slots'][number];
}

function refused(message: string, cause?: unknown): PzkError {
  return new PzkError('release_request_invalid', message, cause === undefined ? {} : { cause });
}

/**
 * Reads a request from its signed bytes and checks it against a manifest that was opened
 * (docs/protocol.md section 13.3): issuer and vault, an agent of the roster, its signature, a slot of the
 * vault, the end of a standing approval.
 *
 * @param times - Now by each clock that is at hand, seconds since the epoch: that of the server alone could be
 * set so that an approval lasts longer.
 * @throws PzkError `release_request_invalid`
 */
export async function checkAgentRequest(
  manifest: VaultManifest,
  bytes: Bytes,
  signature: Bytes,
  times: readonly number[],
): Promise<CheckedRequest> {
  const request = parseAgentRequest(bytes);
  if (request.issuer !== manifest.issuer || request.vaultId !== manifest.vault_id) {
    throw refused('The request is for another vault.');
  }
  const agent = manifest.agents.find(({ key }) =>
    equalBytes(sha256(decodeBase64url(key)), request.agentKeyHash),
  );
  if (agent === undefined) throw refused('The request comes from no agent of the vault.');
  // ECDSA P-256 with SHA-256, as the identity key.
  if (!(await verifyIdentitySignature(decodeBase64url(agent.key), signature, bytes))) {
    throw refused('The request is not signed by its agent.');
  }
  const slot = manifest.slots.find(({ id }) => id === request.slotId);
  if (slot === undefined || slot.kind === 'names') {
    throw refused('The request asks for something that is not in the vault.');
  }
  if (!times.every((now) => isAgentRequestTimely(request, now))) {
    throw refused('The request names an end that has passed or is too far ahead.');
  }
  return { request, agent, slot };
}

/**
 * What a request stood for when it was shown is what it stands for now: between the two another device
 * may have put another key into the slot, or another agent under the name.
 *
 * @throws PzkError `vault_conflict`
 */
export function assertAsShown(now: CheckedRequest, shown: CheckedRequest): void {
  const entries = ({ agent, slot }: CheckedRequest) => JSON.stringify([agent, slot]);
  if (entries(now) === entries(shown)) return;
  throw new PzkError('vault_conflict', 'The slot or the agent has changed since it was shown.', {
    hint: 'Show the request again, and ask again.',
  });
}
