import { useCallback, useEffect, useRef } from 'react';

/**
 * Calls `read` while it is wanted: at once, and again some time after each answer; not while the page
 * is hidden. `read` is told whether its answer is still wanted. Returns a function that reads now.
 */
export function usePolling(
  read: (isWanted: () => boolean) => Promise<void>,
  isWanted: boolean,
  milliseconds: number,
): () => Promise<void> {
  const readNow = useRef<() => Promise<void>>(undefined);

  useEffect(() => {
    if (!isWanted) return;
    let alive = true;
    let turn = 0;
    let timer: ReturnType<typeof setTimeout> | undefined;

    const run = async (): Promise<void> => {
      clearTimeout(timer);
      turn++;
      const own = turn;
      const isLatest = () => alive && own === turn;
      await read(isLatest);
      if (isLatest()) timer = setTimeout(tick, milliseconds);
    };
    const tick = (): void => {
      // What was hidden is read again when it shows.
      if (document.visibilityState !== 'hidden') void run();
    };

    document.addEventListener('visibilitychange', tick);
    readNow.current = run;
    void run();
    return () => {
      alive = false;
      readNow.current = undefined;
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', tick);
    };
  }, [read, isWanted, milliseconds]);

  return useCallback(async () => readNow.current?.(), []);
}
