import { type Assertion, type Bytes, FIRST_PRF_GENERATION } from '@pzk-auth/protocol';
import type { DeviceRecord } from '../storage/client-records.js';
import { getPasskey } from '../webauthn/passkeys.js';
import { takePrfSecrets } from '../webauthn/prf-secrets.js';
import { serializeAssertion } from '../webauthn/serialize-credential.js';
import type { ExchangeContext } from './exchange-context.js';

/** What a touch takes. */
export interface TouchOptions {
  /** What the passkey signs, computed here. */
  readonly challenge: Bytes;
  /** The device whose passkey to ask for; absent: the user chooses. */
  readonly device?: DeviceRecord | undefined;
  readonly signal: AbortSignal;
  /** Called before a second touch, and after it. */
  readonly onTouch?: (waiting: boolean) => void;
}

/** What a touch brings. */
export interface PasskeyTouch {
  readonly assertion: Assertion;
  /** PRF secrets at hand, by generation. */
  readonly secrets: Map<number, CryptoKey>;
  /** Asks the passkey for another generation: one more touch. */
  readonly askGeneration: (generation: number) => Promise<CryptoKey | undefined>;
}

/**
 * Asks for an assertion with the PRF outputs of a generation and the next: that of the device where it
 * is known, else 1 and 2.
 */
export async function touchPasskey(
  context: ExchangeContext,
  { challenge, device, signal, onTouch }: TouchOptions,
): Promise<PasskeyTouch> {
  const { issuer, rpId } = context.config;
  const request = { authenticator: context.authenticator(), issuer, rpId, challenge, signal };
  const secrets = new Map<number, CryptoKey>();

  async function touch(generation: number, credentialId: string | undefined) {
    const credential = await getPasskey({ ...request, credentialId, generation });
    const { first, second } = await takePrfSecrets(credential);
    if (first !== undefined) secrets.set(generation, first);
    if (second !== undefined) secrets.set(generation + 1, second);
    return serializeAssertion(credential);
  }

  const generation = device?.generation ?? FIRST_PRF_GENERATION;
  const assertion = await touch(generation, device?.credentialId);
  return {
    assertion,
    secrets,
    async askGeneration(wanted) {
      // Asked already and not answered: a second touch would change nothing.
      if (generation > 0 && !secrets.has(generation)) return undefined;
      onTouch?.(true);
      await touch(wanted, assertion.id);
      onTouch?.(false);
      return secrets.get(wanted);
    },
  };
}
