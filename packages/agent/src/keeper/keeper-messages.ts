import type { EndReason } from './allowance.js';
import type { Moment } from './clocks.js';
import type { SecretHeader } from './secret-header.js';

/** What a call may cost. */
export interface ForwardLimits {
  /** Body of a call, bytes. */
  readonly requestBytes: number;
  /** Body of an answer, bytes. */
  readonly responseBytes: number;
  /** Until the host begins to answer, and between two pieces of the answer. Seconds. */
  readonly idleSeconds: number;
  /** A whole call. Seconds. */
  readonly callSeconds: number;
  /** At the same time. */
  readonly calls: number;
}

/** What a keeper is started with. Nothing of it is secret. */
export interface KeeperTask {
  /** Unix socket on which it takes calls; in a directory of the broker alone. */
  readonly socket: string;
  readonly host: string;
  readonly methods: readonly string[];
  readonly uses: number;
  readonly ttl: number;
  readonly perDay: number;
  readonly notAfter: number;
  readonly header: SecretHeader;
  /** Addresses beside the public ones that the host may have. */
  readonly allowedAddresses: readonly string[];
  /** Headers of the agent that pass beside the usual ones. */
  readonly requestHeaders: readonly string[];
  /** PEM of authorities to trust instead of the usual ones. */
  readonly ca?: string | undefined;
  readonly limits: ForwardLimits;
}

/** From the broker to a keeper. */
export type ToKeeper =
  | { readonly type: 'start'; readonly task: KeeperTask }
  /** A release whose signature was verified. Bytes as base64url. */
  | {
      readonly type: 'release';
      readonly enc: string;
      readonly ct: string;
      readonly requestHash: string;
      /** When the platform was asked for it. */
      readonly askedAt: Moment;
    }
  /** The platform says that the release goes on. */
  | { readonly type: 'confirm'; readonly askedAt: Moment }
  | { readonly type: 'end'; readonly reason: EndReason };

/** From a keeper to the broker. */
export type FromKeeper =
  /** base64url of 65 bytes. */
  | { readonly type: 'ready'; readonly hpkeKey: string }
  | { readonly type: 'released' }
  /** It does not open, or is nothing that a header could carry. */
  | { readonly type: 'invalid' }
  | { readonly type: 'used'; readonly uses: number; readonly lastUsedAt: number | undefined }
  /** The host could not be reached, or broke off: a code of Node or OpenSSL. */
  | { readonly type: 'host-failed'; readonly code: string }
  | { readonly type: 'ended'; readonly reason: EndReason };
