import { useCallback, useEffect, useMemo, useRef } from 'react';
import { type ActionResult, settle } from './action-result.js';

/** What was begun here and goes on with somebody elsewhere: an invitation, a pairing. */
interface Begun<State> {
  poll(): Promise<State>;
  cancel(): Promise<void>;
}

/** Options of {@link useBegun}. */
interface UseBegunOptions<State, T extends Begun<State>> {
  /** Between two questions. Milliseconds. */
  readonly interval: number;
  /** Whether there is something to ask for. */
  readonly isWaiting: boolean;
  /** Takes an answer in; `true` where it is to be asked again. Keeps its identity. */
  readonly onAnswer: (result: ActionResult<State>, begun: T) => boolean;
}

/** After these the next question may be answered. */
const PASSING: ReadonlySet<string> = new Set(['network_error', 'request_timeout', 'server_error']);

/** Keeps what was begun, one at a time, and asks what came of it while the component is there. */
export function useBegun<State, T extends Begun<State>>({
  interval,
  isWaiting,
  onAnswer,
}: UseBegunOptions<State, T>) {
  const current = useRef<T>(undefined);
  /** Counts what was begun, so that what comes late is known for it. */
  const turn = useRef(0);

  useEffect(() => {
    const asked = current.current;
    if (!isWaiting || asked === undefined) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let wanted = true;
    const ask = async () => {
      const result = await settle(() => asked.poll());
      if (!wanted || current.current !== asked) return;
      const passes = result.status === 'failed' && PASSING.has(result.error.code);
      if (passes || onAnswer(result, asked)) timer = setTimeout(ask, interval);
    };
    timer = setTimeout(ask, interval);
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [isWaiting, interval, onAnswer]);

  /** Cancels what there is. */
  const drop = useCallback(() => {
    turn.current++;
    const dropped = current.current;
    current.current = undefined;
    // Best effort: it ends by itself in minutes.
    dropped?.cancel().catch(() => undefined);
  }, []);

  /** Begins another; `undefined` where that was dropped meanwhile. */
  const begin = useCallback(
    async (make: () => Promise<T>): Promise<ActionResult<T> | undefined> => {
      drop();
      const own = turn.current;
      const result = await settle(make);
      if (own === turn.current) {
        if (result.status === 'done') current.current = result.value;
        return result;
      }
      if (result.status === 'done') result.value.cancel().catch(() => undefined);
      return undefined;
    },
    [drop],
  );

  return useMemo(() => ({ current, begin, drop }), [begin, drop]);
}
