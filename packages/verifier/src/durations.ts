/** Named times, each with the sentence that fixes it. Milliseconds unless the name says seconds. */
export const durations = {
  /** A nonce, where a person acts. */
  nonce: 5 * 60_000,
  /** A nonce, where the key demands no person. */
  headlessNonce: 60_000,
  /** A consumed nonce is remembered for this much longer than it is valid. */
  consumedGrace: 10 * 60_000,
  /** Nonce keys change this often; the one before stays good for the nonces made with it. */
  nonceKeyRotation: 60 * 60_000,
  /** RFC 9449 section 11.1: proofs are accepted for a short time around `iat`. */
  dpopPastSeconds: 60,
  dpopFutureSeconds: 5,
  /** Longer than the window above, at both ends. */
  dpopJti: 70_000,
  /** RFC 9449 section 8: a nonce of the server is accepted for this long, and half a minute more. */
  dpopNonce: 3 * 60_000,
  /** After this time an answer gives a newer one. */
  dpopNonceDue: 60_000,
  /** A new one is made this often. */
  dpopNonceStep: 30_000,
  /** Clocks of instances may be ahead by this much. */
  dpopNonceAhead: 60_000,
  /** Clock skew that token validation grants, seconds. */
  tokenSkewSeconds: 5,
  /** No token or session row lives longer than this, so neither need its revocation. */
  revocation: 75 * 60_000,
  /** How long others may keep the JWK set, seconds. */
  jwksMaxAgeSeconds: 300,
  /** An instance that signs or publishes knows what the store held this long ago, or later. */
  signingKeyRefresh: 60_000,
  /** For tokens that name an unknown key, the store is asked at most this often. */
  unknownKidReload: 1000,
  /**
   * A new key is published for this long before it signs: until every copy of a JWK set without it is
   * too old (refresh of the instance, then max-age), and a minute for clocks that differ.
   */
  signingKeyPublication: 60_000 + 300_000 + 60_000,
  /**
   * A key verifies for this long after its successor became active: the longest token, the refresh of
   * an instance that still signs with it, and a minute for clocks that differ.
   */
  signingKeyRetirement: 15 * 60_000 + 60_000 + 60_000,
  /** Calls with one release that a broker reports within this time are one entry of the audit log. */
  releaseUseEntries: 60_000,
  /** For this long after a call a report is looked at, for a number that the log lacks. */
  releaseUsesRecent: 5 * 60_000,
  /** Window of the failure budgets. */
  failureBudget: 10 * 60_000,
  /** The application's check of a plain API key. */
  apiKeyCheck: 5000,
  /** Reading a request's body. */
  bodyRead: 10_000,
  /** An event stream ends after this long, so that a broker authenticates again now and then. */
  agentEvents: 5 * 60_000,
  /** A stream looks at the store this often. */
  agentEventPoll: 1000,
  /** A comment this often keeps what lies between from closing the connection. */
  agentEventComment: 15_000,
  /** Clocks of instances that write changes may be behind by this much. */
  agentEventOverlap: 5000,
  /** What a shutdown grants running requests, and then the audit log. */
  shutdown: 10_000,
} as const;
