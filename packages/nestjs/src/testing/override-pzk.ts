import type { TestingModuleBuilder } from '@nestjs/testing';
import { PzkError } from '@pzk-auth/protocol';
import type { AuthenticateRequest, ProtectOptions, PzkSession } from '@pzk-auth/verifier';
import { PZK_AUTHENTICATE } from '../authenticator.js';

/** A session for tests: what is left out has a harmless default. */
export type TestSession = Partial<Omit<PzkSession, 'kind'>>;

/** What {@link overridePzk} puts in the place of token and proof. */
export interface PzkOverride {
  /** Who calls; a function decides by the request, and undefined refuses with 401. */
  readonly session: TestSession | ((request: AuthenticateRequest) => TestSession | undefined);
}

function completeSession(session: TestSession): PzkSession {
  const now = Math.floor(Date.now() / 1000);
  return Object.freeze({
    kind: 'session',
    account: 'test-account',
    key: 'test-key',
    device: 'test-device',
    scopes: [],
    audience: 'https://test.example',
    jkt: 'test-jkt',
    jti: 'test-jti',
    expiresAt: now + 300,
    authTime: now,
    amr: ['hwk', 'user'],
    keyProtection: 'passkey',
    ...session,
  });
}

/** The demands of the route, held against the session as the verifier does. */
function assertMet(session: PzkSession, { scope, maxAge, audience }: ProtectOptions): void {
  if (audience !== undefined && session.audience !== audience) {
    throw new PzkError('invalid_token', 'The test session is for another audience.');
  }
  const scopes = typeof scope === 'string' ? scope.split(' ') : (scope ?? []);
  if (!scopes.every((token) => token === '' || session.scopes.includes(token))) {
    throw new PzkError('insufficient_scope', 'The test session lacks a scope.');
  }
  if (maxAge !== undefined && Date.now() / 1000 - session.authTime > maxAge) {
    throw new PzkError('insufficient_user_authentication', 'The test session is too old.');
  }
}

/**
 * Lets tests of an application say who calls, instead of sending token and proof. `PzkGuard` stays in
 * its place, wherever it is used: `@Public()`, scopes, `maxAge` and answers are as they are.
 *
 * @example
 * ```ts
 * const module = await overridePzk(Test.createTestingModule({ imports: [AppModule] }), {
 *   session: { account: 'ada', scopes: ['weather:read'] },
 * }).compile();
 * ```
 */
export function overridePzk(
  builder: TestingModuleBuilder,
  { session }: PzkOverride,
): TestingModuleBuilder {
  const authenticate = async (request: AuthenticateRequest, demands: ProtectOptions = {}) => {
    const given = typeof session === 'function' ? session(request) : session;
    if (given === undefined) throw new PzkError('invalid_token', 'The test has no session.');
    const complete = completeSession(given);
    assertMet(complete, demands);
    return complete;
  };
  return builder.overrideProvider(PZK_AUTHENTICATE).useValue(authenticate);
}
