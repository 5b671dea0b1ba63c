import type { Approval, ReleaseInfo } from '@pzk-auth/react-hooks';
import { formatCount, formatDay, formatSpan } from './format.js';

/** For how long something is asked, and how often. */
interface Terms {
  readonly uses: number;
  readonly term: Approval['term'];
}

/** The terms in a request that was read from its bytes. */
export function termsOf({ request }: ReleaseInfo): Terms {
  const { uses, ttl, perDay, notAfter } = request;
  const term: Approval['term'] =
    ttl > 0 ? { kind: 'once', seconds: ttl } : { kind: 'standing', perDay, notAfter };
  return { uses, term };
}

/** How long. */
export function describeTime({ term }: Terms): string {
  return term.kind === 'once'
    ? `for ${formatSpan(term.seconds)}`
    : `until ${formatDay(term.notAfter)}`;
}

/** How often. */
export function describeUses({ uses, term }: Terms): string {
  return term.kind === 'once'
    ? `at most ${formatCount(uses, 'call')}`
    : `at most ${formatCount(term.perDay, 'call')} a day, ${formatCount(uses, 'call')} in all`;
}
