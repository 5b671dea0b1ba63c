import { useCallback, useEffect, useState, useSyncExternalStore } from 'react';
import { useDemo } from './demo-context.js';

/** Rows of the server's tables, by table. */
export type StoredTables = Readonly<Record<string, readonly object[]>>;

/** What the server stores, read again after each request of the page. */
export function useStored(): { tables: StoredTables | undefined; refresh: () => void } {
  const { wire } = useDemo();
  const { messages } = useSyncExternalStore(wire.subscribe, wire.getSnapshot);
  const last = messages.at(-1)?.id;
  const [tables, setTables] = useState<StoredTables>();
  const [wanted, setWanted] = useState(0);

  // biome-ignore lint/correctness/useExhaustiveDependencies: they say when to read again
  useEffect(() => {
    const controller = new AbortController();
    // Past the wire log: this is a look behind the scenes, not part of the flow.
    fetch('/demo/stored', { signal: controller.signal })
      .then((response) => response.json())
      .then(setTables)
      .catch(() => undefined);
    return () => controller.abort();
  }, [last, wanted]);

  return { tables, refresh: useCallback(() => setWanted((count) => count + 1), []) };
}
