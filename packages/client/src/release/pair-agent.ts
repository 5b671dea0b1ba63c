import {
  type Bytes,
  decodeBase64url,
  encodeBase64url,
  equalBytes,
  formatPairingId,
  isDisplayText,
  limits,
  PAIRING_NONCE_BYTES,
  type PairingReadResponse,
  PzkError,
  pairingCommitment,
  pairingReadResponseSchema,
  pairingResponseSchema,
  pairingWords,
} from '@pzk-auth/protocol';
import type { TouchOptions, VaultContext } from '../exchange/vault-context.js';
import { importVerificationKey } from '../vault/identity-key.js';
import { prepareWrite, type VaultChange } from '../vault/prepare-write.js';
import { randomId } from '../vault/random-id.js';
import type { UnlockedVault } from '../vault/unlocked-vault.js';
import { assertCompared } from '../vault/vault-memory.js';

/** Where a pairing stands. */
export type PairingState =
  /** Waits for the broker. */
  | { readonly status: 'waiting' }
  /**
   * Show the words: the user compares them with those that the broker shows, and on the same words
   * `confirm`. The name is in the words of whoever answered.
   */
  | { readonly status: 'compare'; readonly name: string; readonly words: readonly string[] }
  | { readonly status: 'ended' };

/** Options of {@link AgentPairing.confirm}. */
export interface ConfirmPairingOptions extends TouchOptions {
  /** What the user calls the agent, 1 to 64 characters. Default: the name it gave itself. */
  readonly name?: string;
}

/** A pairing with an agent's broker. Keep it on this page: nothing of it is stored. */
export interface AgentPairing {
  /** To be typed in at the broker: 16 characters in groups of four. */
  readonly code: string;
  /** Seconds since the epoch. */
  readonly expiresAt: number;
  /**
   * Goes as far as the broker has come; to be called every second or two.
   *
   * @throws PzkError `pairing_mismatch`: somebody is in between. The pairing has ended.
   */
  poll(): Promise<PairingState>;
  /**
   * Writes the agent into the vault, with a touch. Only on the user's yes to the words. An agent that
   * is in the vault already, with the same key, keeps its place and takes the new name.
   *
   * @returns The agent's id.
   * @throws PzkError `pairing_mismatch` before the words were shown, and where the keys of the vault have
   * changed since the pairing began; `vault_repin_required` and others as at `open`
   */
  confirm(options?: ConfirmPairingOptions): Promise<string>;
  /** Ends it: the words differ, or the user has changed their mind. */
  cancel(): Promise<void>;
}

/** What the broker committed to, and what it was answered. */
interface Answer {
  readonly name: string;
  readonly commitment: string;
  readonly nonceB: Bytes;
}

function mismatch(message: string, cause?: unknown): PzkError {
  return new PzkError('pairing_mismatch', message, {
    ...(cause === undefined ? {} : { cause }),
    hint: 'Somebody may be in between. Start a new pairing, and compare every word.',
  });
}

function changeAgents(
  { manifest }: UnlockedVault,
  name: string,
  key: string,
): { readonly change: VaultChange; readonly id: string } {
  const known = manifest.agents.find((one) => one.key === key);
  const agent = { id: known?.id ?? randomId(), name, key };
  const others = manifest.agents.filter((one) => one !== known);
  return { id: agent.id, change: { manifest: { agents: [...others, agent] } } };
}

/** Starts a pairing (docs/protocol.md section 13.2): the vault has to be open. */
export async function pairAgent(context: VaultContext): Promise<AgentPairing> {
  const { api, holder } = context;
  const own = await holder.read(({ manifest, memory }) => {
    // The agent would pin this identity key.
    assertCompared(memory);
    const { issuer, vault_id: vaultId, identity_key: identityKey } = manifest;
    return { issuer, vaultId, identityKey };
  });
  const { id, expires_at } = await api.post('/vault/pairings', {}, pairingResponseSchema);
  let answer: Answer | undefined;
  /** The key that the words shown stand for. */
  let shown: { readonly name: string; readonly key: string } | undefined;
  let failed: PzkError | undefined;

  const end = () => api.postVoid('/vault/pairings/end', { id });

  function fail(error: PzkError): PzkError {
    failed = error;
    shown = undefined;
    // Best effort: it serves one attempt in any case.
    end().catch(() => undefined);
    return error;
  }

  /** Only after the commitment: whoever reveals cannot choose by what is answered. */
  async function respond({ name, commitment }: Pick<Answer, 'name' | 'commitment'>) {
    const nonceB = crypto.getRandomValues(new Uint8Array(PAIRING_NONCE_BYTES));
    answer ??= { name, commitment, nonceB };
    await api.postVoid('/vault/pairings/answer', {
      id,
      identity_key: own.identityKey,
      nonce_b: encodeBase64url(answer.nonceB),
    });
  }

  async function compare(
    { nonceB, name, commitment }: Answer,
    revealed: PairingReadResponse & { status: 'revealed' },
  ): Promise<PairingState> {
    const { issuer, vaultId } = own;
    const agentKey = decodeBase64url(revealed.agent_key);
    const nonceA = decodeBase64url(revealed.nonce_a);
    const fields = { issuer, vaultId, agentKey, nonceA };
    if (!equalBytes(pairingCommitment(fields), decodeBase64url(commitment))) {
      throw fail(mismatch('The agent is not the one that began the pairing.'));
    }
    try {
      await importVerificationKey(agentKey);
    } catch (cause) {
      throw fail(mismatch('The key of the agent is none.', cause));
    }
    const identityKey = decodeBase64url(own.identityKey);
    const words = Object.freeze(pairingWords({ ...fields, identityKey, nonceB }));
    shown = { name, key: revealed.agent_key };
    return Object.freeze({ status: 'compare', name, words });
  }

  return Object.freeze({
    code: formatPairingId(decodeBase64url(id)),
    expiresAt: expires_at,
    async poll(): Promise<PairingState> {
      if (failed !== undefined) throw failed;
      const now = await api.post('/vault/pairings/read', { id }, pairingReadResponseSchema);
      if (now.status === 'open' || now.status === 'ended') {
        return Object.freeze({ status: now.status === 'open' ? 'waiting' : 'ended' });
      }
      const { name, commitment } = now;
      const changed =
        answer === undefined
          ? now.status !== 'committed'
          : answer.commitment !== commitment || answer.name !== name;
      if (changed) throw fail(mismatch('The pairing is not the one that was begun.'));
      if (now.status === 'committed') await respond({ name, commitment });
      if (now.status === 'revealed' && answer !== undefined) return compare(answer, now);
      return Object.freeze({ status: 'waiting' });
    },
    async confirm({ name, ...options }: ConfirmPairingOptions = {}): Promise<string> {
      const agent = shown;
      if (agent === undefined) throw failed ?? mismatch('No words have been compared.');
      if (name !== undefined && !isDisplayText(name, 1, limits.nameCharacters)) {
        throw new PzkError('invalid_request', 'The name of the agent cannot be kept as it is.', {
          hint: 'A name has 1 to 64 characters that can be seen.',
        });
      }
      await context.openAgain(options);
      return holder.change(async (vault) => {
        if (vault.manifest.identity_key !== own.identityKey) {
          throw fail(mismatch('The keys of the vault have changed since.'));
        }
        const { change, id: agentId } = changeAgents(vault, name ?? agent.name, agent.key);
        return { prepared: await prepareWrite(vault, change), result: agentId };
      });
    },
    cancel: end,
  });
}
