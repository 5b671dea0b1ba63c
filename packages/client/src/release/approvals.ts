import {
  agentRequestHash,
  type Bytes,
  decodeBase64url,
  isPzkError,
  PzkError,
  type ReleaseMethod,
  releaseChallenge,
  vaultWriteResponseSchema,
  waitingRequestsResponseSchema,
} from '@pzk-auth/protocol';
import { requestNonce } from '../exchange/request-challenge.js';
import type { TouchOptions, VaultContext } from '../exchange/vault-context.js';
import type { VaultAgentInfo } from '../vault/roster.js';
import { describeSlot, type VaultSlot } from '../vault/slot-changes.js';
import { assertCompared } from '../vault/vault-memory.js';
import { getPasskey } from '../webauthn/passkeys.js';
import { serializeAssertion } from '../webauthn/serialize-credential.js';
import { assertAsShown, type CheckedRequest, checkAgentRequest } from './check-request.js';
import { assertReleasable, prepareRelease } from './prepare-release.js';

/**
 * A request of an agent that waits for the user, read from the bytes that the agent signed and from the
 * vault: nothing in it is in the server's words.
 */
export interface Approval {
  /** Of the request. */
  readonly id: string;
  /** As the vault has it. */
  readonly agent: VaultAgentInfo;
  /** As the vault has it. */
  readonly slot: VaultSlot;
  /** In the agent's words. */
  readonly purpose: string;
  /** DNS name in ASCII (punycode), with a port unless 443. Show it as it is. */
  readonly host: string;
  readonly methods: readonly ReleaseMethod[];
  /**
   * Where the broker puts the secret: the name of the header, in lower case, and what stands before it,
   * for instance `Bearer `. Compare it with `header` of the provider's hint. Every path of the host is
   * approved.
   */
  readonly header: { readonly name: string; readonly prefix: string };
  /** Requests in all. */
  readonly uses: number;
  /** For one time: seconds from the release to its end. Standing: how often a day, and until when. */
  readonly term:
    | { readonly kind: 'once'; readonly seconds: number }
    | {
        readonly kind: 'standing';
        readonly perDay: number;
        /** Seconds since the epoch. */
        readonly notAfter: number;
      };
}

/** What waits for the user. */
export interface WaitingApprovals {
  /** Oldest first. */
  readonly requests: readonly Approval[];
  /** How many more there were that are refused: not signed by an agent of the vault, for instance. */
  readonly refused: number;
}

/** Requests of agents that wait. */
export interface Approvals {
  /**
   * Fetches what waits; the vault has to be open.
   *
   * @throws PzkError `vault_locked`
   */
  list(): Promise<WaitingApprovals>;
  /**
   * Approves a request that `list` gave, with a touch: seals the secret to it, and to nothing else.
   *
   * @throws PzkError `release_undecided` once the release was sent, whatever the server answered (`cause`): the key
   * may have been handed out; `vault_compare_required` while `basis` of the contents is `pin`; `vault_conflict` where
   * slot or agent have changed since `list`: call it again and show what it gives; `release_request_invalid`;
   * `vault_slot_damaged` where the slot cannot be read; `api_key_malformed` where no broker takes its value;
   * `not_signed_in`, before any touch; `vault_repin_required` and others as at `open`, which a locked vault takes first
   */
  approve(approval: Approval, options?: TouchOptions): Promise<void>;
  /** @param reason - For the agent, at most 200 characters. Default: none. */
  reject(approval: Pick<Approval, 'id'>, reason?: string): Promise<void>;
}

/** The bytes behind an approval. */
interface SignedRequest {
  readonly bytes: Bytes;
  readonly signature: Bytes;
}

/** What an approval stands for. */
interface ShownRequest extends SignedRequest {
  readonly checked: CheckedRequest;
}

/** What was sealed opens at the broker, whatever the server says that it has made of it. */
function undecided(cause: unknown): PzkError {
  return new PzkError(
    'release_undecided',
    'The release was sent, and what became of it is not known.',
    {
      cause,
      hint: 'The key may have been handed out. Look at what was released; where in doubt, change the key at its provider.',
    },
  );
}

export function createApprovals(context: VaultContext): Approvals {
  const { api, holder, exchange, guard, sessionKey } = context;
  const { config, signer } = exchange;
  /** By what was shown, so that no other bytes are approved than those. */
  const signed = new WeakMap<Approval, ShownRequest>();
  /** By the clock of this device and by the server's. */
  const times = () =>
    [0, signer.clockOffset].map((offset) => Math.floor((config.clock() + offset) / 1000));

  async function describe({ bytes, signature }: SignedRequest): Promise<Approval> {
    // Of one and the same vault: what the state shows may be one change behind.
    const { checked, slot } = await holder.read(async (vault) => {
      const found = await checkAgentRequest(vault.manifest, bytes, signature, times());
      return { checked: found, slot: await describeSlot(vault, found.slot) };
    });
    const { request, agent } = checked;
    const { ttl: seconds, perDay, notAfter } = request;
    const approval: Approval = Object.freeze({
      id: request.requestId,
      agent: Object.freeze({ id: agent.id, name: agent.name }),
      slot,
      purpose: request.purpose,
      host: request.host,
      methods: Object.freeze([...request.methods]),
      header: Object.freeze({ name: request.header, prefix: request.prefix }),
      uses: request.uses,
      term: Object.freeze(
        seconds > 0
          ? { kind: 'once' as const, seconds }
          : { kind: 'standing' as const, perDay, notAfter },
      ),
    });
    signed.set(approval, { bytes, signature, checked });
    return approval;
  }

  return {
    async list() {
      await holder.read(() => undefined);
      const answer = await api.post('/vault/requests', {}, waitingRequestsResponseSchema);
      const requests: Approval[] = [];
      let refused = 0;
      for (const one of answer.requests) {
        try {
          const bytes = decodeBase64url(one.request);
          requests.push(await describe({ bytes, signature: decodeBase64url(one.signature) }));
        } catch (cause) {
          // One that is refused must not hide the others.
          if (!isPzkError(cause) || cause.code !== 'release_request_invalid') throw cause;
          refused++;
        }
      }
      return Object.freeze({ requests: Object.freeze(requests), refused });
    },
    async approve(approval, options = {}) {
      const { signal } = options;
      const request = signed.get(approval);
      if (request === undefined) {
        throw new TypeError('approvals.approve: pass a request that approvals.list gave.');
      }
      if (approval.slot.damaged !== undefined) {
        throw new PzkError('vault_slot_damaged', 'The slot of the request cannot be read.');
      }
      api.assertSignedIn();
      await context.openIfLocked(options);
      await guard.run(signal, async (combined) => {
        // Before the touch, too, which would be in vain.
        const { bytes, signature } = request;
        const found = await holder.read(({ manifest, memory }) => {
          // The agent may have been taken out of the vault, or the secret been changed, long ago.
          assertCompared(memory);
          return checkAgentRequest(manifest, bytes, signature, times());
        });
        assertAsShown(found, request.checked);
        await holder.read((vault) => assertReleasable(vault, found.request.slotId));
        const key = await sessionKey();
        const credentialId = await holder.read(({ recipient }) => recipient.credential_id);
        const nonce = await requestNonce(exchange, 'release', key, combined);
        const requestHash = agentRequestHash(request.bytes);
        const credential = await getPasskey({
          authenticator: exchange.authenticator(),
          issuer: config.issuer,
          rpId: config.rpId,
          challenge: releaseChallenge({ requestHash, nonce }),
          signal: combined,
          credentialId,
          // The vault is open: no PRF output is asked for.
          generation: 0,
        });
        const assertion = serializeAssertion(credential);
        await holder.change(async (vault) => {
          const { prepared, body } = await prepareRelease(vault, {
            request: request.bytes,
            shown: request.checked,
            agentSignature: request.signature,
            nonce,
            assertion,
            times: times(),
          });
          const { ifMatch } = prepared;
          return {
            prepared,
            result: undefined,
            send: async () => {
              api.assertSignedIn();
              try {
                return await api.post('/vault/releases', body, vaultWriteResponseSchema, {
                  ifMatch,
                });
              } catch (cause) {
                throw undecided(cause);
              }
            },
          };
        });
      });
    },
    reject: ({ id }, reason = '') => api.postVoid('/vault/requests/reject', { id, reason }),
  };
}
