import type { FactoryProvider } from '@nestjs/common';
import type { AuthenticateRequest, ProtectOptions, PzkCaller } from '@pzk-auth/verifier';
import { RESOLVED_OPTIONS, type ResolvedOptions } from './pzk.options.js';

/** Says who calls. A token of its own, so that tests can put another one in its place. */
export const PZK_AUTHENTICATE = Symbol('PZK_AUTHENTICATE');

export type Authenticate = (
  request: AuthenticateRequest,
  demands: ProtectOptions,
) => Promise<PzkCaller>;

export const authenticatorProvider: FactoryProvider<Authenticate> = {
  provide: PZK_AUTHENTICATE,
  inject: [RESOLVED_OPTIONS],
  useFactory: ({ verifier }: ResolvedOptions) => verifier.authenticate,
};
