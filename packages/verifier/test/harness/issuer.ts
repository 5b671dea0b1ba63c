import {
  createVerifier,
  memoryStores,
  type Stores,
  type Verifier,
  type VerifierEvent,
  type VerifierOptions,
} from '../../src/index.js';

export const ISSUER = 'https://api.example.com';
export const ORIGIN = 'https://app.example.com';
export const RP_ID = 'app.example.com';

/** An issuer under test with its stores, events and a clock that can be set. */
export interface TestIssuer {
  readonly verifier: Verifier;
  readonly stores: Stores;
  readonly events: VerifierEvent[];
  /** Milliseconds that the issuer's clock is ahead of the real one. */
  offset: number;
  /** While it is set, the real clock counts as standing there: for what is judged to the second. */
  standing?: number | undefined;
  now(): number;
}

/** Creates an issuer on memory stores. */
export function createIssuer(options: Partial<VerifierOptions> = {}): TestIssuer {
  const events: VerifierEvent[] = [];
  const issuer: Pick<TestIssuer, 'offset' | 'standing' | 'now'> = {
    offset: 0,
    now: () => (issuer.standing ?? Date.now()) + issuer.offset,
  };
  const stores = options.stores ?? memoryStores({ clock: issuer.now });
  const verifier = createVerifier({
    issuer: ISSUER,
    audience: ISSUER,
    rpId: RP_ID,
    origins: [ORIGIN],
    scopes: ['weather:read', 'weather:write'],
    clock: issuer.now,
    onEvent: (event) => events.push(event),
    ...options,
    stores,
  });
  return Object.assign(issuer, { verifier, stores, events });
}
