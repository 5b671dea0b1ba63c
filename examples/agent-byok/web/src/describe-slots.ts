import type { VaultSlot } from '@pzk-auth/react-hooks';
import { formatCount } from './format.js';

/** What slots hold, within a sentence: `2 keys and the names of your devices`. */
export function describeSlots(slots: readonly Pick<VaultSlot, 'kind'>[]): string {
  const keys = slots.filter(({ kind }) => kind !== 'names').length;
  const parts = [
    ...(keys > 0 ? [formatCount(keys, 'key')] : []),
    ...(keys < slots.length ? ['the names of your devices'] : []),
  ];
  return parts.join(' and ');
}
