import type { ActivityEntry } from '@pzk-auth/react-hooks';

/** What repeats itself, or is a step of what has an entry of its own. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  'token_renewed',
  'vault_written',
  'pairing_committed',
  'pairing_answered',
]);

const TEXTS: Readonly<Record<string, string>> = {
  token_issued: 'Signed in',
  key_issued: 'Key of this platform issued',
  vault_rotated: 'Keys of the vault changed',
  vault_pinned: 'New keys of the vault confirmed',
  vault_recovered: 'Vault read with the recovery code',
  slot_added: 'Put into the vault',
  slot_changed: 'Changed or encrypted anew',
  slot_removed: 'Taken out of the vault',
  recipient_added: 'Way to open the vault added',
  recipient_removed: 'Way to open the vault removed',
  pairing_created: 'Pairing of an agent begun',
  pairing_revealed: 'Pairing answered by a known agent',
  pairing_ended: 'Pairing of an agent ended',
  release_requested: 'Key asked for',
  release_collected: 'Key fetched',
  release_used: 'Key used',
  release_cancelled: 'Request taken back',
};

/** What agents do, in the log without a device. */
const BY_AGENT: ReadonlySet<string> = new Set([
  'release_requested',
  'release_collected',
  'release_used',
  'release_cancelled',
  'release_ended',
]);

/** Names of what an entry has by id. */
export interface Names {
  readonly slot: (id: string) => string;
  readonly agent: (id: string) => string;
  readonly member: (id: string) => string;
  /** By the server's id of a device. */
  readonly device: (id: string) => string;
}

/** An entry, for people. */
export interface DescribedEntry {
  readonly what: string;
  /** What it was done to; empty where that is the vault itself. */
  readonly subject: string;
  /** Who did it; empty where the log does not tell. */
  readonly by: string;
}

function describeRevoked({ device, key }: ActivityEntry, names: Names): DescribedEntry {
  if (device !== undefined) {
    return { what: 'Signed out for good', subject: names.device(device), by: '' };
  }
  const what = key === undefined ? 'Account closed' : 'Key of this platform revoked';
  return { what, subject: '', by: '' };
}

/** Describes an entry of the log; undefined for what is left out. */
export function describeActivity(entry: ActivityEntry, names: Names): DescribedEntry | undefined {
  const { type, slot, agent, recipient, device } = entry;
  if (LEFT_OUT.has(type)) return undefined;
  // One that is new has an entry when it is added.
  if (type === 'pairing_revealed' && agent === undefined) return undefined;
  if (type === 'revoked') return describeRevoked(entry, names);
  const words = type.replaceAll('_', ' ');
  const what = TEXTS[type] ?? words.charAt(0).toUpperCase() + words.slice(1);
  const isByAgent = agent !== undefined && device === undefined && BY_AGENT.has(type);
  const parts = [
    slot === undefined ? '' : names.slot(slot),
    agent === undefined || isByAgent ? '' : names.agent(agent),
    recipient === undefined ? '' : names.member(recipient),
  ];
  const by = device === undefined ? '' : names.device(device);
  return {
    what,
    subject: parts.filter((part) => part !== '').join(', '),
    by: isByAgent ? names.agent(agent) : by,
  };
}
