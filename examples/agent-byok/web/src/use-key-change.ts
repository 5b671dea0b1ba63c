import { type ActivityEntry, useReleases } from '@pzk-auth/react-hooks';
import { useEffect, useState } from 'react';
import { type Failure, failureOf } from './failure.js';

/** When the vault got its present keys, and what is known of the agents since. */
export interface KeyChange {
  /** Seconds since the epoch. */
  readonly at: number;
  /** Whether an agent was paired after it. */
  readonly isPaired: (agentId: string) => boolean;
}

/** Entries of the log to go back to at most, however many there are where the keys were never changed. */
const MAXIMUM_ENTRIES = 1000;

/** Ids of agents that were paired again: a broker has shown its key, then the device that began wrote the vault. */
function findPairedAgain(since: readonly ActivityEntry[]): readonly string[] {
  const paired: string[] = [];
  let pairing: { readonly device: string | undefined; readonly agent?: string } | undefined;
  for (const { type, device, agent } of since.toReversed()) {
    if (type === 'pairing_created') pairing = { device };
    if (type === 'pairing_revealed' && pairing && agent) pairing = { ...pairing, agent };
    // Where the words differ.
    if (type === 'pairing_ended') pairing = undefined;
    if (type === 'vault_written' && pairing?.agent && pairing.device === device) {
      paired.push(pairing.agent);
      pairing = undefined;
    }
  }
  return paired;
}

/** Ids of agents that the present keys were given to. */
function findWorking(since: readonly ActivityEntry[]): ReadonlySet<string | undefined> {
  const asked = since.filter(({ type }) => type === 'release_requested');
  const requests = new Set(asked.map(({ request }) => request));
  // Brokers use only what the keys signed that they were paired with.
  const used = since.filter((one) => one.type === 'release_used' && requests.has(one.request));
  const added = since.filter(({ type }) => type === 'agent_added');
  return new Set([...[...used, ...added].map(({ agent }) => agent), ...findPairedAgain(since)]);
}

function describe(entries: readonly ActivityEntry[]): KeyChange | undefined {
  const index = entries.findIndex(({ type }) => type === 'vault_rotated');
  const rotated = entries[index];
  if (rotated === undefined) return undefined;
  const working = findWorking(entries.slice(0, index));
  return { at: rotated.at, isPaired: (id) => working.has(id) };
}

/**
 * Finds the last change of the vault's keys in the platform's log: agents that were paired before it
 * take nothing until they are paired again.
 *
 * @param agents - As the vault lists them; the log is read again when they change.
 */
export function useKeyChange(agents: readonly string[]) {
  const { readActivity } = useReleases();
  const [change, setChange] = useState<KeyChange>();
  const [failure, setFailure] = useState<Failure>();

  // biome-ignore lint/correctness/useExhaustiveDependencies: a pairing changes the agents, and the log
  useEffect(() => {
    let isWanted = true;
    async function read(): Promise<void> {
      const entries: ActivityEntry[] = [];
      for (;;) {
        const last = entries.at(-1);
        const ended = await readActivity(last === undefined ? undefined : last.at + 1);
        if (!isWanted) return;
        setFailure(failureOf(ended));
        if (ended.status !== 'done') return;
        const fresh = ended.value.filter(({ id }) => entries.every((one) => one.id !== id));
        entries.push(...fresh);
        const isFound = entries.some(({ type }) => type === 'vault_rotated');
        const isFull = entries.length >= MAXIMUM_ENTRIES;
        if (isFound || isFull || fresh.length === 0 || ended.value.length < 100) break;
      }
      setChange(describe(entries));
    }
    void read();
    return () => {
      isWanted = false;
    };
  }, [readActivity, agents]);

  return { change, failure };
}
