import type { Circuit } from './circuit.js';
import type { VerifierEvent } from './events.js';
import type { RateLimits } from './limits/limits.js';
import type { Stores } from './stores/stores.js';
import type { SigningAlgorithm, SigningKeyInput } from './token/signing-key.js';

/** How access tokens are signed. */
export interface SigningOptions {
  /**
   * Keys to sign with, in place of those that the verifier makes and keeps wrapped in its store: PEM or
   * JWK, or a signer where the key stays elsewhere. A key that is added to the list later signs after it
   * was published for seven minutes; leave the one before in the list until then. The store keeps the
   * public part, so that every instance can verify.
   */
  readonly keys?: readonly SigningKeyInput[];
  /** Algorithm of keys that the verifier makes. Default `ES256`. */
  readonly alg?: SigningAlgorithm;
}

/** What the application's {@link VerifierOptions.authorize} hook is asked about. */
export interface AuthorizeContext {
  /** The account that the proved key belongs to. */
  readonly account: string;
  /** The application's user linked to it, if any. */
  readonly user: string | undefined;
  /** The proved key. */
  readonly key: string;
  /** Whether the account has had a device before. */
  readonly hasDevices: boolean;
}

/** What the hook may grant. */
export interface Authorization {
  /** Links the account to this user of the application; a link once made cannot be changed. */
  readonly user?: string;
  /** Allows a further device, or a first one after the window. */
  readonly allowDevice?: boolean;
  /**
   * Allows the device and, where the account has a vault that nobody can open any more, asks to replace
   * it by the one that this enrolment brings: after {@link VaultResetOptions.after}, with an event at
   * once. The secrets in the old one are lost and all devices before are revoked. Grant it only after
   * you made sure who asks: whoever gets it takes the account over.
   */
  readonly resetVault?: boolean;
}

/**
 * Asked at each enrolment after the proof was verified and before anything is written: who is this at
 * the application, and may they add a device? It may be asked again for the same request, so it only
 * reads. Look at the request's headers: its body has been read, and its URL serves for routing only.
 */
export type AuthorizeHook = (
  request: Request,
  context: AuthorizeContext,
) => Promise<Authorization | undefined> | Authorization | undefined;

/** A service that validates tokens by asking for them. */
export interface ResourceServer {
  /** Its `client_id`: 1 to 128 letters, digits, and . _ ~ - */
  readonly id: string;
  /** base64url of the SHA-256 of its secret, as `createResourceServerSecret` makes it. */
  readonly secretHash: string;
  /** The audiences whose tokens it may ask about, out of those of the verifier. */
  readonly audience: string | readonly string[];
}

/** How a vault is replaced that nobody can open any more. */
export interface VaultResetOptions {
  /**
   * How long it waits after the wish, in seconds: every device that is left is told meanwhile and can
   * cancel. 0 to 30 days. Default 72 hours.
   */
  readonly after?: number;
}

/** Options of `createVerifier`. */
export interface VerifierOptions {
  /** URL of this issuer: https, or http on localhost in development; no trailing slash. */
  readonly issuer: string;
  /** URL of the API that tokens are for (RFC 8707), or several; the first is the default. */
  readonly audience: string | readonly string[];
  /** WebAuthn RP id: the page's full host, or a registrable parent whose every subdomain you trust. */
  readonly rpId: string;
  /** Origins of the pages that may enrol and sign in, exact. */
  readonly origins: readonly string[];
  /** All scope tokens that exist at this issuer. */
  readonly scopes: readonly string[];
  readonly stores: Stores;
  /** Path of the endpoints under the issuer. Default `/pzk`. */
  readonly basePath?: string;
  /**
   * Public URL under which protected routes are reached, for the `htu` check of DPoP proofs; never
   * taken from the Host header. Default: the origin of the issuer. With a path when a proxy strips one.
   */
  readonly publicUrl?: string;
  /**
   * Root secret of the deployment, at least 32 bytes of randomness: nonce keys are derived from it and
   * signing keys at rest are wrapped by it. All instances share it. Required in production; elsewhere
   * the default is random per process.
   */
  readonly secret?: string | Uint8Array | undefined;
  /** How access tokens are signed. Default: with keys that the verifier makes. */
  readonly signing?: SigningOptions;
  /** Services that may ask `/introspect` about tokens (RFC 7662). Default: none, and no such endpoint. */
  readonly resourceServers?: readonly ResourceServer[];
  /**
   * Whether DPoP proofs need a nonce of this server (RFC 9449 sections 8 and 9), at the endpoints and on
   * protected routes. Default `off`: a proof is used once, within a minute, and on a protected route for one
   * token alone; `required` also ends what somebody made in advance who could use the session key for a
   * moment, three minutes later, and costs clients a repeated request now and then.
   */
  readonly dpopNonces?: 'off' | 'required';
  /** Lifetime of access tokens in seconds, 60 to 900. Default 300. */
  readonly tokenLifetime?: number;
  /** How long a session can be renewed after the touch, in seconds, at most 3600. Default 3600. */
  readonly sessionLifetime?: number;
  /** How long an unused session stays renewable, in seconds, at most 900. Default 900. */
  readonly sessionIdle?: number;
  /** How long after its issue a key alone enrols the first device, in seconds. Default 86400. */
  readonly firstDeviceWindow?: number;
  /** Prefix of issued keys, at most 12 characters. Default `pzk`. */
  readonly keyPrefix?: string;
  readonly authorize?: AuthorizeHook;
  /** What {@link Authorization.resetVault} leads to. */
  readonly vaultReset?: VaultResetOptions;
  /**
   * Seconds that requests of agents are kept after they have ended, for the list of releases. Receipts are
   * kept for good. From a day to ten years, default 90 days.
   */
  readonly releaseRetention?: number;
  /** Accept devices whose authenticator has no PRF; tokens then say `key_protection: device`. */
  readonly allowWithoutPrf?: boolean;
  /** Accept passkeys that may be synchronised between devices (flag BE). Default true. */
  readonly allowSyncedPasskeys?: boolean;
  /**
   * Pairwise `sub`: unrelated values for each audience. Administration then takes the account id of a
   * key or device row, not the `account` of a session. Default false.
   */
  readonly pairwiseSubjects?: boolean;
  /**
   * Lets a page of this origin open a page session: a cookie for pages that a server renders, never
   * for protected calls. Default false.
   */
  readonly pageSessions?: boolean;
  /** Accepted circuits. Default: `ownership/v1` with the keys of @pzk-auth/circuits. */
  readonly circuits?: readonly Circuit[];
  /** Failed exchanges that one address may cause in ten minutes. Default 60. */
  readonly addressFailureLimit?: number;
  /**
   * Rate limits, counted in the store of budgets: 3000 requests to the endpoints in a minute for an
   * address, 600 exchanges for an API key. `false` turns all of them off.
   */
  readonly rateLimits?: RateLimits | false;
  /** Failed proofs that one device may send in ten minutes. Default 10. */
  readonly deviceFailureLimit?: number;
  /**
   * Keep an audit log in the durable store: enrolments, keys, tokens, revocations, each entry linked to
   * the one before by its hash. What lets somebody in is answered only after its entry is stored.
   * Default true.
   */
  readonly audit?: boolean;
  /** Receives what happens: enrolments, tokens, refusals with their reasons. Must not throw. */
  readonly onEvent?: (event: VerifierEvent) => void;
  /** Milliseconds since the epoch. Default `Date.now`. */
  readonly clock?: () => number;
}
