import {
  type AgentRequestStatus,
  isBase64url,
  isDisplayText,
  isReleaseHost,
  limits,
  type PzkErrorCode,
  releaseMethods,
} from '@pzk-auth/protocol';
import * as v from 'valibot';
import type { EndReason } from '../keeper/allowance.js';

const id = v.pipe(
  v.string(),
  v.check((text) => isBase64url(text, 16)),
);
const between = (minimum: number, maximum: number) =>
  v.pipe(v.number(), v.safeInteger(), v.minValue(minimum), v.maxValue(maximum));

/** Body of `POST /grants`. */
export const grantRequestSchema = v.pipe(
  v.strictObject({
    /** Id of the vault; needed where the broker is paired with several. */
    vault: v.optional(id),
    /** Id of the slot. */
    slot: id,
    /** Why, for the user; 1 to 200 characters. */
    purpose: v.pipe(
      v.string(),
      v.check((text) => isDisplayText(text, 1, limits.purposeCharacters)),
    ),
    /** DNS name, with `:port` unless 443. */
    host: v.pipe(v.string(), v.check(isReleaseHost)),
    methods: v.pipe(
      v.array(v.picklist(releaseMethods)),
      v.minLength(1),
      v.maxLength(releaseMethods.length),
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
    header: v.optional(v.strictObject({ name: v.string(), prefix: v.optional(v.string(), '') })),
  }),
  v.check(({ ttl, perDay, notAfter }) =>
    ttl === undefined
      ? perDay !== undefined && notAfter !== undefined
      : perDay === undefined && notAfter === undefined,
  ),
);

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
  /** Milliseconds since the epoch. */
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
