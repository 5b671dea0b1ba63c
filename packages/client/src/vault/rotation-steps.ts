import { type ProviderHint, providerHints } from '@pzk-auth/protocol';
import { findProviderHint } from './provider-hints.js';
import type { VaultSlot } from './slot-changes.js';

/** One service at which lost keys may have to be rotated. */
export interface RotationStep {
  /** `generic` for a host that belongs to none of the known services. */
  readonly provider: ProviderHint;
  /** Host that an agent was allowed to call; absent where none was. */
  readonly host?: string;
  /** Whether a new key of this service is in the vault already. */
  readonly replaced: boolean;
}

/** What {@link rotationSteps} takes. */
export interface RotationStepsOptions {
  /** Of the lost vault. */
  readonly hosts: readonly string[];
  /** Of the vault that is open now; empty while it is locked. */
  readonly slots: readonly Pick<VaultSlot, 'kind' | 'provider'>[];
  /** Services that the application knows. Default: `providerHints`. */
  readonly providers?: readonly ProviderHint[];
}

/**
 * The services to go through with a user whose vault was lost: those that agents have called first, then
 * all others that the application knows, for nobody knows which keys were in it.
 */
export function rotationSteps({
  hosts,
  slots,
  providers = providerHints,
}: RotationStepsOptions): readonly RotationStep[] {
  // Built in: an application that names services of its own is told of the others that were called, too.
  const generic = providers.find(({ id }) => id === 'generic') ?? findProviderHint('generic');
  const replaced = ({ id }: ProviderHint) =>
    slots.some(({ kind, provider }) => kind === 'secret' && provider === id);
  const called = hosts.flatMap((host): RotationStep[] => {
    const provider = providers.find((one) => one.host === host);
    if (provider !== undefined) return [{ provider, host, replaced: replaced(provider) }];
    return [{ provider: generic, host, replaced: false }];
  });
  const others = providers
    .filter((one) => one !== generic && called.every(({ provider }) => provider !== one))
    .map((provider): RotationStep => ({ provider, replaced: replaced(provider) }));
  return Object.freeze([...called, ...others].map((step) => Object.freeze(step)));
}
