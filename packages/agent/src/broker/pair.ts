import { setTimeout as sleep } from 'node:timers/promises';
import {
  type AgentPairingResponse,
  agentPairingResponseSchema,
  decodeBase64url,
  encodeBase64url,
  isDisplayText,
  isPzkError,
  limits,
  PAIRING_NONCE_BYTES,
  PzkError,
  pairingCommitment,
  pairingWords,
  parsePairingId,
} from '@pzk-auth/protocol';
import { importAgentKey, isPublicKey } from '../platform/agent-key.js';
import { createPlatform } from '../platform/create-platform.js';
import type { Pairing, PairingStore } from './pairing-store.js';

const POLL_MS = 1000;

/** What a pairing needs. */
export interface PairOptions {
  /** URL of the platform's issuer. */
  readonly issuer: string;
  /** Of its endpoints; default: the issuer and `/pzk`. */
  readonly baseUrl?: string | undefined;
  /** As the browser shows it. */
  readonly code: string;
  /** What people will call this broker, 1 to 64 characters. */
  readonly name: string;
  readonly store: PairingStore;
  /** The vault has another identity key than in the pairing that there is, and the user knows why. */
  readonly replaces?: boolean;
  /** Shows the words and asks whether the browser shows the same; `undefined`: nobody answered. */
  readonly confirm: (words: readonly string[]) => Promise<boolean | undefined>;
  readonly signal?: AbortSignal;
}

/** An issuer as docs/protocol.md section 3.7 has it: `https`, or `http` on this machine. */
function assertIssuer(issuer: string): void {
  const url = URL.canParse(issuer) ? new URL(issuer) : undefined;
  const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(url?.hostname ?? '');
  if (url?.protocol !== 'https:' && !(url?.protocol === 'http:' && isLocal)) {
    throw new PzkError('invalid_request', 'The issuer is no https URL.');
  }
}

/**
 * Pairs with a vault (docs/protocol.md section 13.2): the identity key is kept only when the user has
 * said that both sides show the same words.
 *
 * @throws PzkError `pairing_mismatch`, `issuer_mismatch`, `vault_identity_changed`, `invalid_request`, `not_found`, `aborted` and those
 * of the platform.
 */
export async function pair(options: PairOptions): Promise<Pairing> {
  const { issuer, store, name, signal, replaces = false } = options;
  assertIssuer(issuer);
  if (!isDisplayText(name, 1, limits.nameCharacters)) {
    throw new PzkError(
      'invalid_request',
      'The name has 1 to 64 characters, none of them a control.',
    );
  }
  const id = encodeBase64url(parsePairingId(options.code));
  const baseUrl = options.baseUrl ?? `${issuer}/pzk`;
  const platform = createPlatform({ baseUrl });
  const open = async () => {
    try {
      return await platform.post('/agent/pairings/open', { id }, agentPairingResponseSchema);
    } catch (error) {
      if (!isPzkError(error) || error.code !== 'not_found') throw error;
      throw new PzkError('not_found', 'No pairing waits under this code.', {
        hint: `Look at the code in the browser again; codes live ${limits.pairingSeconds / 60} minutes.`,
      });
    }
  };

  const opened = await open();
  if (opened.issuer !== issuer) {
    throw new PzkError('issuer_mismatch', 'The platform is another issuer than the one you named.');
  }
  if (opened.status !== 'open') {
    throw new PzkError('not_found', 'This pairing was used already or has ended.', {
      hint: 'Start another one in the browser.',
    });
  }
  const vaultId = opened.vault_id;
  store.assertOwn({ issuer, vaultId }, replaces);
  const pem = store.keyPemFor(vaultId);
  const { publicKey: agentKey } = await importAgentKey(pem);
  const nonceA = crypto.getRandomValues(new Uint8Array(PAIRING_NONCE_BYTES));
  const mine = { issuer, vaultId, agentKey, nonceA };
  const commitment = encodeBase64url(pairingCommitment(mine));
  await platform.postVoid('/agent/pairings/commit', { id, commitment, name });

  const answer = await waitForAnswer(open, signal);
  // Everything was fixed when the commitment went out; what comes now is fixed before we reveal.
  if (answer.issuer !== issuer || answer.vault_id !== vaultId) {
    throw new PzkError('pairing_mismatch', 'The platform has changed the vault of this pairing.');
  }
  store.assertOwn({ issuer, vaultId, identityKey: answer.identity_key }, replaces);
  const identityKey = decodeBase64url(answer.identity_key);
  if (!(await isPublicKey(identityKey))) {
    throw new PzkError('pairing_mismatch', 'What the platform shows as identity key is no key.');
  }
  await platform.postVoid('/agent/pairings/reveal', {
    id,
    agent_key: encodeBase64url(agentKey),
    nonce_a: encodeBase64url(nonceA),
  });
  const nonceB = decodeBase64url(answer.nonce_b);
  const isSame = await options.confirm(pairingWords({ ...mine, identityKey, nonceB }));
  if (isSame === undefined) {
    throw new PzkError('aborted', 'Nobody answered: nothing was paired.', {
      hint: 'Run it at a terminal, and start another pairing in the browser.',
    });
  }
  if (!isSame) {
    throw new PzkError('pairing_mismatch', 'The words differ: nothing was paired.', {
      hint: 'Start another pairing. If it happens again, somebody between browser and broker exchanges keys.',
    });
  }
  if ((await open()).status !== 'revealed') {
    throw new PzkError('not_found', 'The pairing has ended in the browser: nothing was paired.', {
      hint: 'Somebody said no there, or took too long. Start another one; if the words differed, somebody between browser and broker exchanges keys.',
    });
  }
  const pairing: Pairing = {
    ...{ issuer, baseUrl, vaultId, identityKey: answer.identity_key, name },
    agentKey: encodeBase64url(agentKey),
    pairedAt: Date.now(),
    stopped: false,
  };
  // Another one may have been made while the user compared.
  store.assertOwn(pairing, replaces);
  store.save(pairing, pem);
  return pairing;
}

async function waitForAnswer(
  open: () => Promise<AgentPairingResponse>,
  signal: AbortSignal | undefined,
) {
  const deadline = performance.now() + limits.pairingSeconds * 1000;
  while (performance.now() < deadline) {
    await sleep(POLL_MS, undefined, signal === undefined ? {} : { signal });
    const now = await open();
    if (now.status === 'answered') return now;
    if (now.status !== 'committed') break;
  }
  throw new PzkError('not_found', 'The pairing has ended in the browser.', {
    hint: 'Start another one there.',
  });
}
