import type { TokenResponse } from '@pzk-auth/protocol';
import type { ClientConfig } from '../client-options.js';
import type { Prover } from '../prover/index.js';
import type { ClientRecords } from '../storage/client-records.js';
import type { DpopSigner } from '../transport/dpop-signer.js';
import type { SessionKey } from '../transport/session-key.js';
import type { SynchronizeClock, Transport } from '../transport/transport.js';
import type { PasskeyAuthenticator } from '../webauthn/passkeys.js';

/** What every exchange works with. */
export interface ExchangeContext {
  readonly config: ClientConfig;
  readonly transport: Transport;
  readonly signer: DpopSigner;
  readonly records: ClientRecords;
  readonly prover: Prover;
  readonly synchronizeClock: SynchronizeClock;
  /** @throws PzkError `unsupported_environment` */
  readonly authenticator: () => PasskeyAuthenticator;
}

/** A token and the key to which it is bound. */
export interface TokenGrant {
  readonly token: TokenResponse;
  readonly key: SessionKey;
}

/** What an exchange tells of its progress. */
export type ProvingStep = { readonly status: 'proving'; readonly progress: number };
