import {
  type AgentRequestStatus,
  isBase64url,
  isDisplayText,
  isReleaseHost,
  limits,
  PzkError,
  type PzkErrorCode,
  releaseMethods,
} from '@pzk-auth/protocol';
import * as v from 'valibot';
import type { EndReason } from '../keeper/allowance.js';

const id = v.pipe(
  v.string('16 bytes in base64url: 22 characters'),
  v.check((text) => isBase64url(text, 16), '16 bytes in base64url: 22 characters'),
);
const between = (minimum: number, maximum: number) => {
  const rule = `a whole number from ${minimum} to ${maximum}`;
  return v.pipe(
    v.number(rule),
    v.safeInteger(rule),
    v.minValue(minimum, rule),
    v.maxValue(maximum, rule),
  );
};
const PURPOSE = `1 to ${limits.purposeCharacters} characters, none of them a control`;
const HOST = 'a DNS name in lower case, no address, and `:port` unless that is 443';
const METHODS = `a list of one or more of ${releaseMethods.join(', ')}`;
const HEADER = 'an object with `name` and, if there is one, `prefix`, both strings';
const TERM = 'Either `ttl`, or `perDay` with `notAfter`.';

/** Body of `POST /grants`. The messages are rules, for whoever writes an agent. */
export const grantRequestSchema = v.pipe(
  v.strictObject({
    /** Id of the vault; needed where the broker is paired with several. */
    vault: v.optional(id),
    /** Id of the slot. */
    slot: id,
    /** Why, for the user; 1 to 200 characters. */
    purpose: v.pipe(
      v.string(PURPOSE),
      v.check((text) => isDisplayText(text, 1, limits.purposeCharacters), PURPOSE),
    ),
    /** DNS name, with `:port` unless 443. */
    host: v.pipe(v.string(HOST), v.check(isReleaseHost, HOST)),
    methods: v.pipe(
      v.array(v.picklist(releaseMethods, METHODS), METHODS),
      v.minLength(1, METHODS),
      v.maxLength(releaseMethods.length, METHODS),
    ),
    /** Calls in all. */
    uses: between(1, limits.releaseUses),
    /** Seconds from the release to its end. Either this, or the next two. */
    ttl: v.optional(between(1, limits.releaseSeconds)),
    /** Calls in 24 hours, of a standing approval. */
    perDay: v.optional(between(1, limits.standingUsesPerDay)),
    /** End of a standing approval, seconds since the epoch; at most 90 days ahead. */
    notAfter: v.optional(between(1, Number.MAX_SAFE_INTEGER)),
    /** Where the secret goes; default: what the provider takes, else `Authorization: Bearer`. */
    header: v.optional(
      v.strictObject({ name: v.string(HEADER), prefix: v.optional(v.string(HEADER), '') }, HEADER),
    ),
  }),
  v.check(
    ({ ttl, perDay, notAfter }) =>
      ttl === undefined
        ? perDay !== undefined && notAfter !== undefined
        : perDay === undefined && notAfter === undefined,
    TERM,
  ),
);

/** Says of a fault which member has it, and the rule; never the value. */
function describeFault(issue: v.BaseIssue<unknown>): string {
  const [member] = issue.path ?? [];
  if (member === undefined) return issue.message === TERM ? TERM : 'The body is a JSON object.';
  const name = String(member.key).slice(0, 64);
  if (!(name in grantRequestSchema.entries)) return `No member is called \`${name}\`.`;
  // A missing one has the message of the object, as its own schema never ran.
  if (!(name in (member.input as object))) return `\`${name}\` is missing.`;
  return `\`${name}\` is ${issue.message}.`;
}

/**
 * Reads the body of `POST /grants`. Whoever can send one may know all of it: the hint names the member and
 * its rule.
 *
 * @throws PzkError `invalid_request`
 */
export function parseGrantRequest(body: unknown): GrantRequest {
  const result = v.safeParse(grantRequestSchema, body, { abortEarly: true });
  if (result.success) return result.output;
  throw new PzkError('invalid_request', 'The request for a release is malformed.', {
    hint: describeFault(result.issues[0]),
  });
}

/** What an agent asks for. */
export type GrantRequest = v.InferInput<typeof grantRequestSchema>;

/** Where a grant stands: as at the platform, and `failed` where the release was not usable. */
export type GrantStatus = AgentRequestStatus | 'failed';

/** What a broker says of a grant. */
export interface GrantSnapshot {
  readonly id: string;
  readonly status: GrantStatus;
  /** Rises with each change. */
  readonly version: number;
  readonly host: string;
  /** The user's words, of a rejection; may be empty. */
  readonly reason?: string;
  /** Of `ended`: why. */
  readonly endReason?: EndReason;
  /** Of `failed`: the error. */
  readonly code?: PzkErrorCode;
  /** Until when it waits, seconds since the epoch. */
  readonly expiresAt: number;
  /** Calls so far. */
  readonly uses: number;
  /** Seconds since the epoch. */
  readonly lastUsedAt?: number;
}

/** What a broker says of itself. */
export interface BrokerStatus {
  /** `development`: the broker runs as the agent's user, and keeps nothing from it. */
  readonly form: 'separate-user' | 'development';
  readonly vaults: readonly {
    readonly vault: string;
    readonly issuer: string;
    readonly name: string;
    /** It has to be paired anew. */
    readonly stopped: boolean;
    /** Whether it has the signing key that the vault lists; else it has to be paired anew, too. */
    readonly hasKey: boolean;
  }[];
}
