import { type Bytes, limits, PzkError, RECOVERY, utf8 } from '@pzk-auth/protocol';

import { type PreparedWrite, prepareWrite } from '../vault/prepare-write.js';
import { findProviderHint, looksLikeKeyOf } from '../vault/provider-hints.js';
import { prepareGeneration } from '../vault/rotate-generation.js';
import {
  addApiKeySlot,
  addSlot,
  changeSlot,
  nameRecipient,
  readSlotValue,
  removeSlot,
} from '../vault/slot-changes.js';
import { confirmGeneration } from './confirm-generation.js';
import { createRemoval, type VaultRemoval } from './create-recovery-code.js';
import { listDevices, revokeDevice } from './devices.js';
import { parseOwnApiKey } from './own-api-key.js';
import type { VaultContext } from './vault-context.js';
import type { VaultContents, VaultState } from './vault-state.js';

/** A value as an application has it. Bytes are copied: overwrite them after the call. */
export type SecretValue = Uint8Array | string;

/** A new secret. */
export interface NewSecret {
  /** For people, 1 to 64 characters. */
  readonly name: string;
  /** Id of a `providerHints` entry, or other text of at most 64 characters. Default: none. */
  readonly provider?: string;
  /** 1 to 8192 bytes. */
  readonly value: SecretValue;
  /** Takes a value, too, that does not look like a key of the provider. Default false. */
  readonly anyForm?: boolean;
}

/** An open vault. Every method rejects with `vault_locked` once it is locked. */
export interface OpenVault {
  /**
   * What the vault holds now.
   *
   * @throws PzkError `vault_locked`
   */
  readonly contents: VaultContents;
  /**
   * The value of a slot, in bytes of its own: overwrite them after use.
   *
   * @throws PzkError `not_found`; `vault_slot_damaged` or `vault_slot_invalid` for a slot with `damaged`
   */
  readSecret(slotId: string): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * Adds a secret of another service.
   *
   * @returns Its slot id.
   * @throws PzkError `api_key_malformed` where the value does not look like a key of the provider
   */
  addSecret(secret: NewSecret): Promise<string>;
  /**
   * Another value for a slot, after it was rotated at its provider. Mends the slot of the API key where
   * that is damaged; a damaged secret is to be deleted and added anew.
   *
   * @throws PzkError `not_found`, `api_key_malformed`, `vault_slot_damaged`, `vault_slot_invalid`
   */
  updateSecret(slotId: string, change: Pick<NewSecret, 'value' | 'anyForm'>): Promise<void>;
  /**
   * Puts the API key of this issuer into the vault: the next version of its slot, also of a damaged one, or
   * a slot of its own where a change of keys has left that out. Other devices then start with it.
   *
   * @throws PzkError `api_key_malformed`
   */
  storeApiKey(apiKey: SecretValue): Promise<void>;
  /**
   * Another name or provider for a secret.
   *
   * @throws PzkError `not_found`, `vault_slot_damaged`, `vault_slot_invalid`
   */
  renameSecret(
    slotId: string,
    change: Partial<Pick<NewSecret, 'name' | 'provider'>>,
  ): Promise<void>;
  /** @throws PzkError `not_found`; `invalid_request` for the slot of the API key: every start needs it */
  deleteSecret(slotId: string): Promise<void>;
  /**
   * Gives a device a name, which those who open the vault read, and nobody else.
   *
   * @param memberId - One of `members`.
   * @param name - 1 to 64 characters; empty takes it away.
   * @throws PzkError `not_found`; `invalid_request` for a recovery code, or a name that cannot be shown
   */
  nameDevice(memberId: string, name: string): Promise<void>;
  /**
   * Moves this device to the next PRF generation with one touch, which has to give again what the opening
   * gave. It takes two where the opening gave nothing of that generation: an authenticator that evaluates one
   * input at a time, a browser's first opening at generation 2, a write before whose answer was lost. The
   * vault's own keys stay as they are: `rotateVault` changes those.
   *
   * @throws PzkError `prf_missing_at_get`, `prf_mismatch`; `invalid_request` where the device has no PRF;
   * `vault_conflict` where the vault was changed elsewhere since it was opened
   */
  rotateGeneration(options?: { readonly signal?: AbortSignal }): Promise<void>;
  /**
   * Takes a device or the recovery code out of the vault: revokes the device at once, with a touch, and
   * makes a new recovery code. With its `confirm` the keys of the vault change and the member is out. The other
   * devices are asked for their yes at their next opening.
   *
   * @param memberId - Recipient id, one of `members`.
   * @throws PzkError `not_found`, `invalid_request` for this device itself
   */
  removeDevice(
    memberId: string,
    options?: { readonly signal?: AbortSignal },
  ): Promise<VaultRemoval>;
  /**
   * Makes a new recovery code; with its `confirm` the keys of the vault change, and every member is taken
   * out that `members` shows as revoked now: the server's word, so show it to the user first.
   *
   * @throws PzkError `vault_locked`
   */
  rotateVault(): Promise<VaultRemoval>;
  /**
   * Says that the user has compared `vaultWords` with a device whose `basis` is `memory`, and that both show
   * the same. `basis` is `memory` from then on, also at later openings of this device.
   */
  confirmCompared(): Promise<void>;
  /**
   * Says that the user has looked at the `changes`, or at `members` and `agents` where they are `unknown`, and
   * that nobody is there who should not be. Every later opening of this device is compared with what was confirmed.
   *
   * @throws PzkError `vault_conflict` where another page has gone on to a state that this one did not show
   */
  confirmChanges(): Promise<void>;
  /** @throws PzkError `not_found` */
  removeAgent(agentId: string): Promise<void>;
  lock(): void;
}

/** The bytes of a value, of their own. */
function toBytes(value: SecretValue): Bytes {
  return typeof value === 'string' ? utf8(value.trim()) : new Uint8Array(value);
}

/** The value of a secret. */
function toSecret(provider: string, given: SecretValue, anyForm = false): Bytes {
  const value = toBytes(given);
  if (value.length > limits.secretValueBytes) {
    value.fill(0);
    throw new PzkError('invalid_request', 'The secret cannot be stored as it is.', {
      hint: `A value has 1 to ${limits.secretValueBytes} bytes.`,
    });
  }
  if (anyForm || looksLikeKeyOf(provider, value)) return value;
  value.fill(0);
  const { name } = findProviderHint(provider);
  throw new PzkError('api_key_malformed', `The value does not look like a key of: ${name}.`, {
    hint: 'Copy the whole key again. If it is right, say that any form will do.',
  });
}

const done = (prepared: PreparedWrite) => ({ prepared, result: undefined });

/** Makes the handle of the vault that a holder keeps. */
export function createOpenVault(context: VaultContext): OpenVault {
  const { holder, api, exchange } = context;

  function contents(): VaultState & { status: 'open' } {
    const state = holder.state.getSnapshot();
    if (state.status === 'open') return state;
    throw new PzkError('vault_locked', 'The vault is locked.', { hint: 'Open it with a touch.' });
  }

  /** The API key of this issuer as a start proves it: the very bytes that were checked, and no others. */
  const toApiKey = (value: SecretValue): Bytes => {
    const text = typeof value === 'string' ? value : new TextDecoder().decode(value);
    return parseOwnApiKey(text, exchange.config.keyPattern);
  };

  /** A value that may stand in a slot. */
  function toSlotValue(slotId: string, value: SecretValue, anyForm: boolean | undefined): Bytes {
    const slot = contents().slots.find(({ id }) => id === slotId);
    if (slot?.kind === 'api-key') return toApiKey(value);
    return toSecret(slot?.provider ?? '', value, anyForm);
  }

  return {
    get contents() {
      return contents();
    },
    readSecret: (slotId) => holder.read((vault) => readSlotValue(vault, slotId)),
    async addSecret({ name, provider = '', value: given, anyForm }) {
      const value = toSecret(provider, given, anyForm);
      try {
        return await holder.change(async (vault) => {
          const { change, slotId } = await addSlot(vault, { name, provider, value });
          return { prepared: await prepareWrite(vault, change), result: slotId };
        });
      } finally {
        value.fill(0);
      }
    },
    async updateSecret(slotId, { value: given, anyForm }) {
      const value = toSlotValue(slotId, given, anyForm);
      try {
        await holder.change(async (vault) =>
          done(await prepareWrite(vault, await changeSlot(vault, slotId, { value }))),
        );
      } finally {
        value.fill(0);
      }
    },
    async storeApiKey(given) {
      const value = toApiKey(given);
      try {
        await holder.change(async (vault) => {
          const slot = vault.manifest.slots.find(({ kind }) => kind === 'api-key');
          const change = slot
            ? await changeSlot(vault, slot.id, { value })
            : await addApiKeySlot(vault, value);
          return done(await prepareWrite(vault, change));
        });
      } finally {
        value.fill(0);
      }
    },
    async renameSecret(slotId, { name, provider }) {
      const words = {
        ...(name === undefined ? {} : { name }),
        ...(provider === undefined ? {} : { provider }),
      };
      await holder.change(async (vault) =>
        done(await prepareWrite(vault, await changeSlot(vault, slotId, words))),
      );
    },
    async deleteSecret(slotId) {
      await holder.change(async (vault) =>
        done(await prepareWrite(vault, removeSlot(vault, slotId))),
      );
    },
    async nameDevice(memberId, name) {
      await holder.change(async (vault) => {
        const { recipients } = vault.manifest;
        const member = recipients.find(({ id }) => id === memberId);
        if (member === undefined) throw new PzkError('not_found', 'The vault has no such member.');
        if (member.credential_id === RECOVERY) {
          throw new PzkError('invalid_request', 'A recovery code has no name.');
        }
        const named = await nameRecipient(vault, recipients, { id: memberId, name });
        const { listed, slots } = named;
        return done(await prepareWrite(vault, { manifest: { slots: listed }, slots }));
      });
    },
    async rotateGeneration({ signal } = {}) {
      const confirmed = await confirmGeneration(context, signal);
      await holder.change(async (vault) => done(await prepareGeneration(vault, confirmed)));
    },
    async removeDevice(memberId, options) {
      const { members } = contents();
      const member = members.find(({ id }) => id === memberId);
      if (member === undefined) throw new PzkError('not_found', 'The vault has no such member.');
      if (member.own) {
        throw new PzkError('invalid_request', 'A device does not take itself out of the vault.');
      }
      if (member.kind !== 'recovery' && !member.revoked) {
        // First: from here on it gets nothing more, and should the page end, every opening says so.
        const devices = await listDevices(api);
        const device = devices.find((one) => one.credentialId === member.credentialId);
        if (device === undefined) {
          throw new PzkError(
            'not_found',
            'The server lists no such device, so nothing was revoked.',
          );
        }
        if (device.revokedAt === undefined) await revokeDevice(context, device.id, options);
      }
      return createRemoval(context, [memberId]);
    },
    rotateVault: async () =>
      createRemoval(
        context,
        contents().members.flatMap(({ id, revoked }) => (revoked ? [id] : [])),
      ),
    confirmCompared: () => holder.confirmCompared(),
    confirmChanges: () => holder.confirmChanges(),
    async removeAgent(agentId) {
      await holder.change(async (vault) => {
        const agents = vault.manifest.agents.filter(({ id }) => id !== agentId);
        if (agents.length === vault.manifest.agents.length) {
          throw new PzkError('not_found', 'The vault has no such agent.');
        }
        return done(await prepareWrite(vault, { manifest: { agents } }));
      });
    },
    lock: () => holder.lock(),
  };
}
