import { refusal } from '../refuse.js';

/** Connections of one agent at a time: the one that it uses, and those that it has lost unnoticed. */
const CONNECTIONS_OF_AGENT = 3;

/** A place for one connection. */
export interface StreamPlace {
  /** Aborted when the verifier shuts down. */
  readonly signal: AbortSignal;
  /** Gives the place back; more than once is no fault. */
  release(): void;
}

/** The event streams that this process serves. */
export interface EventStreams {
  /** @throws PzkError `too_many_requests` if the agent has as many as it may */
  open(agent: string): StreamPlace;
  /** Ends all of them, and every one that comes. */
  close(): void;
}

/** Creates an empty set. */
export function createEventStreams(): EventStreams {
  const closing = new AbortController();
  const open = new Map<string, number>();

  return {
    open(agent) {
      const count = open.get(agent) ?? 0;
      if (count >= CONNECTIONS_OF_AGENT) {
        throw refusal('too_many_requests', 'The agent has too many event streams.');
      }
      open.set(agent, count + 1);
      let released = false;
      return {
        signal: closing.signal,
        release() {
          if (released) return;
          released = true;
          const left = (open.get(agent) ?? 1) - 1;
          if (left > 0) open.set(agent, left);
          else open.delete(agent);
        },
      };
    },
    close: () => closing.abort(),
  };
}
