import { type Bytes, type VaultPinRequest, vaultWriteResponseSchema } from '@pzk-auth/protocol';
import { type FailureText, throwIfAborted, toPzkError } from './abort.js';
import { type ClientConfig, type ClientOptions, resolveClientOptions } from './client-options.js';
import { createVaultClient, type VaultClient } from './create-vault-client.js';
import { createAccountApi } from './exchange/account-api.js';
import { enrollPasskey } from './exchange/enroll-passkey.js';
import type { ExchangeContext, TokenGrant } from './exchange/exchange-context.js';
import { enrollHeadless, startHeadless } from './exchange/headless.js';
import { parseOwnApiKey } from './exchange/own-api-key.js';
import { createClockReader } from './exchange/read-server-time.js';
import { startSession } from './exchange/start-session.js';
import {
  createArtifactLoader,
  createMainThreadProver,
  createWorkerProver,
  type Prover,
} from './prover/index.js';
import { createCeremonyGuard } from './session/ceremony-guard.js';
import { createPageSession, type PageSessionState } from './session/page-session.js';
import { createProtectedFetch, currentSession } from './session/protected-fetch.js';
import { createSessionManager } from './session/session-manager.js';
import { createSnapshotStore, type Observable } from './session/snapshot-store.js';
import type { EnrollState, SessionState, SessionStep } from './session/states.js';
import { createClientRecords } from './storage/client-records.js';
import { createDpopSigner } from './transport/dpop-signer.js';
import {
  describeSessionKey,
  generateSessionKey,
  type SessionKey,
} from './transport/session-key.js';
import { createTransport } from './transport/transport.js';
import type { OwnKeyWrite } from './vault/open-vault-entry.js';
import type { VaultApprovals } from './vault/unlock-vault-entry.js';
import { browserAuthenticator, type PasskeyUser } from './webauthn/passkeys.js';

/** Options of {@link Client.enroll}. */
export interface EnrollOptions {
  /** The API key, as the user has it. Keep no copy: a string cannot be overwritten. */
  readonly apiKey: string;
  /** Shown by the authenticator beside the passkey. */
  readonly user: PasskeyUser;
  /**
   * What the user calls this device, 1 to 64 characters. It is encrypted in the vault; `nameDevice` changes it.
   * Default: nothing.
   */
  readonly deviceName?: string;
  readonly signal?: AbortSignal;
}

/** Options of {@link Client.start}. */
export interface StartOptions extends VaultApprovals {
  /**
   * Serves where this device has no vault that it can open; usually absent. Where the vault lists no API
   * key, the start puts this one into it once it has proved right.
   * Needed, too, where the key's own slot is among those of `approveReplacedSlots`: without it the start then
   * fails with `vault_slot_damaged`.
   */
  readonly apiKey?: string;
  /** Lets the user choose among all passkeys instead of the one used last. Default false. */
  readonly anyPasskey?: boolean;
  readonly signal?: AbortSignal;
}

/** Options of {@link Client.enrollHeadless} and {@link Client.startHeadless}. */
export interface HeadlessStartOptions {
  readonly apiKey: string;
  readonly signal?: AbortSignal;
}

/**
 * A client of one issuer. Its own `subscribe` and `getSnapshot` show the session, those of
 * `enrollment` an enrolment. Everything rejects with `PzkError`.
 */
export interface Client extends Observable<SessionState> {
  readonly config: ClientConfig;
  readonly enrollment: Observable<EnrollState>;
  /** Shows when the page session was opened and ended. */
  readonly pageSession: Observable<PageSessionState>;
  /** The secrets of the account, its devices and agents. */
  readonly vault: VaultClient;
  /**
   * Enrols this device: a new passkey, the API key encrypted under it, one proof. Two touches; three
   * where the authenticator gives no PRF output at creation. The session is active afterwards.
   */
  enroll(options: EnrollOptions): Promise<void>;
  /**
   * Starts a session with one touch of the passkey. While a session is active it gets a token with a
   * fresh touch: the state stays `active` and shows the steps as `stepUp`; if that fails, the session
   * goes on and only the promise rejects.
   */
  start(options?: StartOptions): Promise<void>;
  /** Registers a key pair of this process as a device, for keys that demand `keypair`. */
  enrollHeadless(options: HeadlessStartOptions): Promise<void>;
  /** Starts a session without a passkey, for keys that demand `keypair` or `none`. */
  startHeadless(options: HeadlessStartOptions): Promise<void>;
  /** After a reload: goes on with the stored session key, without a touch, if the server allows. */
  resume(): Promise<boolean>;
  /** Gets a new token with the session key alone. */
  renew(): Promise<void>;
  /**
   * Forgets the session and its key, then revokes the token; a session of before a reload that was not
   * taken up is ended likewise. If the server cannot be reached it rejects, and the token ends by itself
   * within minutes. A page session that this client has opened ends, too.
   */
  signOut(): Promise<void>;
  /**
   * Opens a page session: an HttpOnly cookie by which the issuer's server renders pages for this user,
   * and nothing else. Only where page and issuer share an origin and the issuer has page sessions on. It
   * ends with the session, and with a `start()`, after which it has to be opened anew.
   */
  openPageSession(): Promise<void>;
  /**
   * `fetch` with the token and a DPoP proof. Renews the token where it has run out; repeats once if
   * the server asks for a nonce, and once if it refuses the token. Rejects with
   * `insufficient_user_authentication` where the server wants a fresh touch, and with a `TypeError`
   * for an origin that must not get the token.
   */
  readonly fetch: typeof fetch;
  /** Loads the prover ahead of the first proof. */
  warmUp(): Promise<void>;
  /** Sets a finished or failed enrolment back to `idle`. */
  resetEnrollment(): void;
  /** Aborts what runs and frees the prover. Final; the stored session key stays. */
  close(): void;
}

function createDefaultProver(config: ClientConfig): Prover {
  const { baseUrl, circuit, fetch } = config;
  const loadArtifact = createArtifactLoader({ baseUrl, artifact: circuit.prover, fetch });
  return typeof Worker === 'function'
    ? createWorkerProver({ loadArtifact })
    : createMainThreadProver({ loadArtifact });
}

const UNEXPECTED: FailureText = {
  code: 'unexpected_response',
  message: 'Something failed that should not; the cause says what.',
};

/**
 * Makes a client. Nothing is asked of the user or the network until a method is called, so that it
 * can be made on a server, too.
 *
 * @throws TypeError for wrong options, with a hint.
 */
export function createClient(options: ClientOptions): Client {
  const config = resolveClientOptions(options);
  // Made at once, so that wrong pins show here; it starts nothing before it is asked.
  const prover = config.prover ?? createDefaultProver(config);
  const signer = createDpopSigner(config.clock);
  const { baseUrl, fetch } = config;
  const synchronizeClock = createClockReader(() => context);
  const context: ExchangeContext = {
    config,
    signer,
    synchronizeClock,
    transport: createTransport({ baseUrl, fetch, signer, synchronizeClock }),
    records: createClientRecords(config.storage, config),
    prover,
    authenticator: () => config.authenticator ?? browserAuthenticator(),
  };
  const session = createSnapshotStore<SessionState>({ status: 'signed-out' }, (observed) =>
    manager.setObserved(observed),
  );
  const enrollment = createSnapshotStore<EnrollState>({ status: 'idle' });
  // A device that was revoked reads nothing more here, as far as this page can see to it.
  const manager = createSessionManager(context, session, () => vault.lock());
  const guard = createCeremonyGuard();
  const protectedFetch = createProtectedFetch(context, manager);
  const pageSession = createPageSession(context, protectedFetch);
  const passkeyKey = async () => (await manager.storedKey()) ?? (await generateSessionKey());
  const api = createAccountApi(config.baseUrl, protectedFetch, () => {
    currentSession(manager);
  });
  const vault = createVaultClient({
    exchange: context,
    api,
    guard,
    sessionKey: passkeyKey,
  });

  /** Runs an exchange with the key in bytes, which are overwritten whatever happens. */
  async function withApiKey<T>(text: string, use: (apiKey: Bytes) => Promise<T>): Promise<T> {
    const apiKey = parseOwnApiKey(text, config.keyPattern);
    try {
      return await use(apiKey);
    } finally {
      apiKey.fill(0);
    }
  }

  async function headlessKey(): Promise<SessionKey> {
    const stored = await context.records.readHeadlessKey();
    if (stored !== undefined) return describeSessionKey(stored);
    const key = await generateSessionKey();
    await context.records.writeHeadlessKey(key.keyPair);
    return key;
  }

  function runSession(
    signal: AbortSignal | undefined,
    exchange: (signal: AbortSignal) => Promise<TokenGrant>,
  ): Promise<void> {
    return guard.run(signal, async (combined) => {
      const before = session.getSnapshot();
      try {
        const grant = await exchange(combined);
        throwIfAborted(combined);
        await manager.adopt(grant);
      } catch (cause) {
        const error = toPzkError(cause, combined, UNEXPECTED);
        manager.rest(error.code === 'aborted' ? settled(before) : { status: 'failed', error });
        throw error;
      }
    });
  }

  function runEnrollment(
    signal: AbortSignal | undefined,
    exchange: (signal: AbortSignal) => Promise<TokenGrant>,
  ): Promise<void> {
    return guard.run(signal, async (combined) => {
      const before = enrollment.getSnapshot();
      try {
        const grant = await exchange(combined);
        throwIfAborted(combined);
        await manager.adopt(grant);
        enrollment.set({ status: 'enrolled' });
      } catch (cause) {
        const error = toPzkError(cause, combined, UNEXPECTED);
        enrollment.set(error.code === 'aborted' ? before : { status: 'failed', error });
        throw error;
      }
    });
  }

  /** What to go back to without a session: never to one that is gone. */
  function settled(before: SessionState): SessionState {
    return before.status === 'failed' ? before : { status: 'signed-out' };
  }

  async function storeOwnKey({ write, ifMatch, next, before }: OwnKeyWrite): Promise<void> {
    await api.post('/vault', write, vaultWriteResponseSchema, { ifMatch });
    await context.records.advanceDevice(next, { checked: before });
  }

  /** Shows the steps of a start until it is aborted: a sign-out does not wait for it. */
  const showSteps = (signal: AbortSignal) => (step: SessionStep) => {
    if (!signal.aborted) manager.showStep(step);
  };

  return {
    config,
    enrollment: { subscribe: enrollment.subscribe, getSnapshot: enrollment.getSnapshot },
    pageSession: pageSession.state,
    vault,
    subscribe: session.subscribe,
    getSnapshot: session.getSnapshot,
    enroll: ({ apiKey: text, user, deviceName, signal }) =>
      runEnrollment(signal, (combined) =>
        withApiKey(text, async (apiKey) =>
          enrollPasskey(context, {
            apiKey,
            user,
            deviceName,
            key: await passkeyKey(),
            signal: combined,
            onStep: enrollment.set,
          }),
        ),
      ),
    async start({ apiKey: text, anyPasskey = false, signal, ...approvals } = {}) {
      let pin: VaultPinRequest | undefined;
      let ownKey: OwnKeyWrite | undefined;
      await runSession(signal, async (combined) => {
        const begin = async (apiKey?: Bytes) =>
          startSession(context, {
            apiKey,
            anyPasskey,
            ...approvals,
            key: await passkeyKey(),
            signal: combined,
            onStep: showSteps(combined),
          });
        const started = await (text === undefined ? begin() : withApiKey(text, begin));
        ({ pin, ownKey } = started);
        return started;
      });
      // Best effort: a server that did not hear it has the user asked once more.
      if (pin !== undefined) await api.postVoid('/vault/pin', pin).catch(() => undefined);
      // Likewise: the key is asked for again.
      if (ownKey !== undefined) await storeOwnKey(ownKey).catch(() => undefined);
    },
    enrollHeadless: ({ apiKey: text, signal }) =>
      runEnrollment(signal, (combined) =>
        withApiKey(text, async (apiKey) =>
          enrollHeadless(context, {
            apiKey,
            key: await headlessKey(),
            signal: combined,
            onStep: enrollment.set,
          }),
        ),
      ),
    startHeadless: ({ apiKey: text, signal }) =>
      runSession(signal, (combined) =>
        withApiKey(text, async (apiKey) =>
          startHeadless(context, {
            apiKey,
            key: await headlessKey(),
            signal: combined,
            onStep: showSteps(combined),
          }),
        ),
      ),
    resume: () => manager.resume(),
    renew: async () => {
      await manager.renew();
    },
    signOut: async () => {
      // Not one after the other: the token ends also where a ceremony hangs.
      const cancelled = guard.cancel();
      vault.lock();
      await pageSession.endWith(manager.signOut());
      await cancelled;
    },
    openPageSession: () => pageSession.open(),
    fetch: protectedFetch,
    warmUp: () => context.prover.warmUp(),
    resetEnrollment() {
      const { status } = enrollment.getSnapshot();
      if (status === 'enrolled' || status === 'failed') enrollment.set({ status: 'idle' });
    },
    close() {
      guard.close();
      vault.lock();
      manager.close();
      // A prover that the application made is the application's to close.
      if (config.prover === undefined) prover.close();
    },
  };
}
