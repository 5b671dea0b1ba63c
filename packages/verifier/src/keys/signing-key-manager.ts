import { durations } from '../durations.js';
import type { Engine } from '../exchange/engine.js';
import { assertOptionNames } from '../option-names.js';
import type { SigningKeyInfo } from '../token/key-ring.js';

/** How a rotation is done. */
export interface RotateOptions {
  /**
   * Seconds until the new key signs. Default 420: until then every copy of the JWK set holds it. Less is
   * for a key that must be replaced at once; services that validate tokens elsewhere then have to ask for
   * the JWK set again when they meet an unknown `kid`, as most libraries do. At most 90 days.
   */
  readonly activeIn?: number;
}

/** Administration of the keys that sign access tokens. */
export interface SigningKeyManager {
  /** Next, active and retiring keys, in the order in which they sign. */
  list(): Promise<readonly SigningKeyInfo[]>;
  /**
   * Makes the next key. It is published at once, signs later, and the one before retires by itself when no
   * token of it can be valid any more. Where a key waits already that signs by then, that one is returned.
   *
   * @throws TypeError where the keys are configured (`signing.keys`): add the next one there.
   */
  rotate(options?: RotateOptions): Promise<SigningKeyInfo>;
  /**
   * Takes a key away, for one that became known: when this resolves, all instances refuse its tokens and
   * none signs with it. If it was active, the one before it signs again, or a new key at once. `false` if
   * there was none. Take a configured key out of `signing.keys`, too. Services that validate tokens
   * elsewhere accept them until they fetch the JWK set again.
   *
   * @throws PzkError `not_ready` if no other configured key could take over; `store_unavailable`.
   */
  remove(kid: string): Promise<boolean>;
}

const MAXIMUM_ACTIVE_IN = 90 * 86_400;

/** Creates the administration of signing keys. */
export function createSigningKeyManager({ signingKeys }: Engine): SigningKeyManager {
  return {
    list: () => signingKeys.list(),
    async rotate(options = {}) {
      assertOptionNames('signingKeys.rotate', options, ['activeIn']);
      const { activeIn = durations.signingKeyPublication / 1000 } = options;
      if (!Number.isSafeInteger(activeIn) || activeIn < 0 || activeIn > MAXIMUM_ACTIVE_IN) {
        throw new TypeError(`activeIn is a whole number of seconds, at most ${MAXIMUM_ACTIVE_IN}.`);
      }
      return signingKeys.rotate(activeIn * 1000);
    },
    remove: (kid) => signingKeys.remove(kid),
  };
}
