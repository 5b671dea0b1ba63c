import { PzkError } from '@pzk-auth/protocol';
import type { Clocks, Moment } from './clocks.js';

const DAY_MS = 24 * 60 * 60 * 1000;
/** Without an answer of the platform for so long a secret is not used any more. */
const UNCONFIRMED_MS = 60_000;

/** Why a release is over. */
export type EndReason =
  | 'uses'
  | 'time'
  | 'user'
  | 'agent'
  | 'unconfirmed'
  | 'unpaired'
  | 'shutdown'
  | 'failed';

/** What the user approved. */
export interface AllowanceTerms {
  readonly uses: number;
  /** Seconds; 0 for a standing approval. */
  readonly ttl: number;
  /** 0 unless a standing approval. */
  readonly perDay: number;
  /** Seconds since the epoch; 0 unless a standing approval. */
  readonly notAfter: number;
}

/** Counts uses and time. It starts with the release. */
export interface Allowance {
  readonly uses: number;
  /** Milliseconds since the epoch. */
  readonly lastUsedAt: number | undefined;
  /** Why no more uses are left, if so. */
  ended(): EndReason | undefined;
  /**
   * Takes a use.
   *
   * @throws PzkError `release_ended`, `too_many_requests` where those of 24 hours are used up.
   */
  take(): void;
  /** Gives one back of which nothing was sent. */
  giveBack(): void;
  /** The platform has said that the release goes on; it was asked then, and knew no later. */
  confirm(askedAt: Moment): void;
}

/** @throws PzkError `release_ended` */
export function releaseEnded(): PzkError {
  return new PzkError('release_ended', 'The release is over.', {
    hint: 'Make a new request if the secret is still needed.',
  });
}

/** Starts counting. */
export function createAllowance(terms: AllowanceTerms, clocks: Clocks): Allowance {
  const start = clocks();
  let confirmed = start;
  let uses = 0;
  let lastUsedAt: number | undefined;
  /** Times of the uses of the last 24 hours by the steady clock, of a standing approval. */
  let recent: number[] = [];

  function isOver(): boolean {
    const duration = terms.ttl === 0 ? terms.notAfter * 1000 - start.wall : terms.ttl * 1000;
    return elapsedSince(start) >= duration;
  }

  /** By the clock that went further: each may have stood still or been set back. */
  function elapsedSince(moment: Moment): number {
    const now = clocks();
    return Math.max(now.wall - moment.wall, now.steady - moment.steady);
  }

  function ended(): EndReason | undefined {
    if (isOver()) return 'time';
    if (elapsedSince(confirmed) >= UNCONFIRMED_MS) return 'unconfirmed';
    return uses >= terms.uses ? 'uses' : undefined;
  }

  return {
    get uses() {
      return uses;
    },
    get lastUsedAt() {
      return lastUsedAt;
    },
    ended,
    take() {
      if (ended() !== undefined) throw releaseEnded();
      const { wall, steady: now } = clocks();
      if (terms.perDay > 0) {
        if (recent.length >= terms.perDay) recent = recent.filter((at) => now - at < DAY_MS);
        if (recent.length >= terms.perDay) {
          throw new PzkError('too_many_requests', 'The calls of 24 hours are used up.');
        }
        recent.push(now);
      }
      uses += 1;
      lastUsedAt = wall;
    },
    giveBack() {
      uses -= 1;
      recent.pop();
    },
    confirm(askedAt) {
      confirmed = askedAt;
    },
  };
}
