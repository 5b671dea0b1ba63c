import type { Bytes } from '../bytes.js';
import { labels } from '../labels.js';
import { lp } from '../length-prefix.js';

/**
 * What a slot holds: an API key of this issuer, a secret of another service (`VaultSecret`), or what the
 * devices are called (`DeviceNames`).
 */
export const slotKinds = ['api-key', 'secret', 'names'] as const;

/** One of {@link slotKinds}. */
export type SlotKind = (typeof slotKinds)[number];

/** Which slot a key or a ciphertext belongs to. */
export interface SlotFields {
  readonly issuer: string;
  readonly vaultId: string;
  readonly slotId: string;
  readonly version: number;
  readonly kind: SlotKind;
}

/** HKDF info of a slot's key, derived from the vault key. */
export function slotKeyInfo(fields: Omit<SlotFields, 'issuer' | 'kind'>): Bytes {
  return lp(labels.slotKey, fields.vaultId, fields.slotId, fields.version);
}

/** Additional authenticated data of a slot: a blob put in any other place does not open. */
export function slotAad(fields: SlotFields): Bytes {
  return lp(
    labels.slotAad,
    fields.issuer,
    fields.vaultId,
    fields.slotId,
    fields.version,
    fields.kind,
  );
}
