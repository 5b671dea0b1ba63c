import { type ActivityEntry, useReleases } from '@pzk-auth/react-hooks';
import { useEffect, useState } from 'react';
import { type Failure, failureOf } from './failure.js';

/** When the vault got its present keys, and what is known of the agents since. */
export interface KeyChange {
  /** Seconds since the epoch. */
  readonly at: number;
  /** Whether an agent was paired after it; undefined where the log does not tell. */
  readonly isPaired: (agentId: string) => boolean | undefined;
}

/** Ids of the agents that have worked with the present keys. */
function findWorking(since: readonly ActivityEntry[], agents: readonly string[]): Set<string> {
  const asked = since.filter(({ type }) => type === 'release_requested');
  const requests = new Set(asked.map(({ request }) => request));
  // Brokers use only what the keys signed that they were paired with.
  const used = since.filter((one) => one.type === 'release_used' && requests.has(one.request));
  const added = since.filter(({ type }) => type === 'agent_added');
  const working = new Set([...used, ...added].map(({ agent }) => agent));
  return new Set(agents.filter((id) => working.has(id)));
}

/**
 * Whether the user confirmed a pairing. One of an agent that the vault lists already is logged without its
 * id: the broker shows its key, then the vault is written. Where the words differ the pairing is ended.
 */
function hasConfirmedPairing(since: readonly ActivityEntry[]): boolean {
  let isOpen = false;
  for (const { type } of since.toReversed()) {
    if (type === 'vault_written' && isOpen) return true;
    if (type === 'pairing_revealed') isOpen = true;
    if (type === 'pairing_ended' || type === 'pairing_created') isOpen = false;
  }
  return false;
}

function describe(entries: readonly ActivityEntry[], agents: readonly string[]) {
  const index = entries.findIndex(({ type }) => type === 'vault_rotated');
  const rotated = entries[index];
  if (rotated === undefined) return undefined;
  const since = entries.slice(0, index);
  const working = findWorking(since, agents);
  const left = agents.filter((id) => !working.has(id));
  const hasPaired = hasConfirmedPairing(since);
  const isPaired = (id: string) => {
    if (working.has(id)) return true;
    if (!hasPaired) return false;
    return left.length === 1 ? true : undefined;
  };
  return { at: rotated.at, isPaired };
}

/**
 * Finds the last change of the vault's keys in the platform's log: agents that were paired before it
 * take nothing until they are paired again.
 *
 * @param agents - Ids; the log is read again when they change.
 */
export function useKeyChange(agents: readonly string[]) {
  const { readActivity } = useReleases();
  const [change, setChange] = useState<KeyChange>();
  const [failure, setFailure] = useState<Failure>();

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
        if (isFound || fresh.length === 0 || ended.value.length < 100) break;
      }
      setChange(describe(entries, agents));
    }
    void read();
    return () => {
      isWanted = false;
    };
  }, [readActivity, agents]);

  return { change, failure };
}
