import { DEVICE_SECRET_GENERATION, PzkError } from '@pzk-auth/protocol';
import type { ConfirmedGeneration } from '../vault/rotate-generation.js';
import { nextDerivation, noteGeneration } from '../vault/seen-generation.js';
import { getPasskey } from '../webauthn/passkeys.js';
import { takePrfSecrets } from '../webauthn/prf-secrets.js';
import type { VaultContext } from './vault-context.js';

/**
 * Asks the passkey of the open vault for its next PRF generation: with one touch where the opening has given
 * it already, else with two. What an authenticator gives once and never again would lock the device out.
 *
 * @throws PzkError `vault_locked`, `not_signed_in`, `prf_missing_at_get`; `invalid_request` where the device has no PRF
 */
export function confirmGeneration(
  { exchange, api, holder, guard }: Pick<VaultContext, 'exchange' | 'api' | 'holder' | 'guard'>,
  signal: AbortSignal | undefined,
): Promise<ConfirmedGeneration> {
  return guard.run(signal, async (combined) => {
    const { current, fields, seenNext } = await holder.read((vault) => ({
      current: vault.recipient.generation,
      fields: nextDerivation(vault),
      seenNext: vault.seenNext,
    }));
    const { credentialId, generation } = fields;
    if (current === DEVICE_SECRET_GENERATION) {
      throw new PzkError('invalid_request', 'This device has no PRF to rotate.');
    }
    // Before the touch, which would be in vain.
    api.assertSignedIn();

    async function touch() {
      const { issuer, rpId } = exchange.config;
      const credential = await getPasskey({
        authenticator: exchange.authenticator(),
        issuer,
        rpId,
        // Nobody's nonce: the assertion is sent to nobody, and good for nothing.
        challenge: crypto.getRandomValues(new Uint8Array(32)),
        signal: combined,
        credentialId,
        generation,
      });
      const { first, second } = await takePrfSecrets(credential);
      if (first === undefined) {
        throw new PzkError('prf_missing_at_get', 'The passkey gave no output of the generation.', {
          hint: 'Use the browser and the authenticator of the enrolment.',
        });
      }
      return { first, second };
    }

    const seen = seenNext ?? (await noteGeneration(fields, (await touch()).first));
    const { first: secret, second } = await touch();
    const after = { ...fields, generation: generation + 1 };
    return { seen, secret, following: second && (await noteGeneration(after, second)) };
  });
}
