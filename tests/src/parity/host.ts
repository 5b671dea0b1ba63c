import type { ProtectOptions, VerifierOptions } from '@pzk-auth/verifier';

/** Public names of the issuer, the same on each host: it listens elsewhere, as behind a proxy. */
export const ISSUER = 'https://api.example.com';
export const PAGE = 'https://app.example.com';

/**
 * The options of the verifier on each host. The commitments of the keys that the suite uses are
 * registered before the host listens.
 */
export const verifierOptions: Omit<VerifierOptions, 'stores'> = {
  issuer: ISSUER,
  audience: ISSUER,
  rpId: 'app.example.com',
  origins: [PAGE],
  scopes: ['weather:read', 'weather:write'],
  secret: 'the parity suite: 0123456789 ABCDEF',
  addressFailureLimit: 100_000,
};

/** What the host's customers sent before. */
export const OLD_KEY = 'sk_live_4eC39HqLyjWDarjtT1zdp7dc';

/** A route on which the keys of before go on working. */
export const oldRoute: ProtectOptions = {
  scope: 'weather:read',
  allowApiKey: {
    verify: (key) =>
      key.startsWith(OLD_KEY) && {
        user: 'ada',
        id: 'one',
        scopes: key === OLD_KEY ? ['weather:read'] : [],
      },
    since: new Date('2026-01-01'),
    until: new Date('2200-01-01'),
    documentation: `${ISSUER}/moving`,
  },
};

/**
 * A host under test. Each serves the same application:
 *
 * - the endpoints under `/pzk`, the metadata at the root;
 * - `GET /weather` with `weather:read`, from other origins too;
 * - `POST /reports` with `weather:write` and `maxAge` 600, which answers 201 with the body's size;
 * - `GET /any`, protected, without a scope; `GET /open`, not protected;
 * - `GET /v1/weather/{city}` with `weather:read`, a route with a parameter;
 * - `GET /old`, by `oldRoute`, which answers `{"kind": ..., "scopes": [...]}`;
 * - liveness and readiness under `/health`.
 *
 * The other protected routes answer `{"account": ..., "scopes": [...]}`.
 */
export interface Host {
  readonly name: string;
  /** Names that the framework adds to `Vary`, on each answer. */
  readonly vary?: readonly string[];
  /** What a framework makes impossible: cases by name, with the status that it answers. */
  readonly differs?: Readonly<Record<string, number>>;
  /** Starts it on a free port of 127.0.0.1, with keys of both scopes for these commitments. */
  start(commitments: readonly string[]): Promise<RunningHost>;
}

/** A host that listens. */
export interface RunningHost {
  readonly port: number;
  close(): Promise<void>;
}
