import {
  isPzkError,
  PzkError,
  parseScope,
  RENEW_GRANT,
  type TokenResponse,
  tokenResponseSchema,
} from '@pzk-auth/protocol';
import type { ExchangeContext, TokenGrant } from '../exchange/exchange-context.js';
import type { SessionRecord } from '../storage/client-records.js';
import { describeSessionKey, type SessionKey } from '../transport/session-key.js';
import { readTokenClaims } from '../transport/token-claims.js';
import type { SnapshotStore } from './snapshot-store.js';
import type { ActiveSession, SessionState, SessionStep } from './states.js';

const RETRY_MS = 15_000;
/** setTimeout takes 31 bits; a longer delay would fire at once. */
const MAXIMUM_DELAY_MS = 2 ** 31 - 1;

/** Refusals after which only a new touch helps. */
const FINAL_REFUSALS: ReadonlySet<string> = new Set([
  'invalid_grant',
  'invalid_token',
  'invalid_scope',
  'invalid_target',
  'insufficient_user_authentication',
]);

/** A session in memory. The token is nowhere else. */
export interface LiveSession {
  readonly key: SessionKey;
  readonly token: TokenResponse;
  /** Milliseconds since the epoch, by this device's clock. */
  readonly expiresAt: number;
}

/** Holds the session: takes tokens in, renews and ends them, and shows its state. */
export interface SessionManager {
  /** The session, also when its token has run out but may be renewed. */
  current(): LiveSession | undefined;
  /** Shows a step of a start: as the state, or beside the session that is active meanwhile. */
  showStep(step: SessionStep): void;
  /** Takes the token of a ceremony as the session and keeps its key for a reload. */
  adopt(grant: TokenGrant): Promise<void>;
  /**
   * Gets a new token with the session key alone. Parallel calls share one request.
   *
   * @throws PzkError `not_signed_in`, `session_expired`, and what the transport throws
   */
  renew(): Promise<LiveSession>;
  /** The session key that is stored, for the next start. */
  storedKey(): Promise<SessionKey | undefined>;
  /** Renews with the stored key. False where there is none or the server has let the session go. */
  resume(): Promise<boolean>;
  /** Forgets the session here, also one of before a reload, and ends it at the server. */
  signOut(): Promise<void>;
  /** Ends what `showStep` began: shows the session, or what is given where there is none. */
  rest(otherwise: SessionState): void;
  /** Starts or stops renewal ahead of time. */
  setObserved(observed: boolean): void;
  close(): void;
}

/**
 * @param store - Where the state is shown.
 * @param onEnded - Called where the server has let the session go for good, before that is shown.
 */
export function createSessionManager(
  { config, transport, signer, records }: ExchangeContext,
  store: SnapshotStore<SessionState>,
  onEnded: () => void,
): SessionManager {
  const closing = new AbortController();
  let live: LiveSession | undefined;
  let renewal: Promise<LiveSession> | undefined;
  let resumption: Promise<boolean> | undefined;
  let observed = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  // Counts sign-outs, so that an answer that arrives after one revives nothing.
  let epoch = 0;
  /** When the token is due for renewal, milliseconds since the epoch. */
  let renewAt = 0;
  /** Of the start that runs. */
  let step: SessionStep | undefined;

  function describe({ token, expiresAt }: LiveSession, renewing: boolean): ActiveSession {
    return {
      status: 'active',
      expiresAt: Math.floor(expiresAt / 1000),
      scope: Object.freeze(parseScope(token.scope)),
      clientId: token.client_id,
      ...readTokenClaims(token.access_token),
      renewing,
      ...(step === undefined ? {} : { stepUp: step }),
    };
  }

  function schedule(delay?: number): void {
    clearTimeout(timer);
    if (!observed || live === undefined || closing.signal.aborted) return;
    const due = renewAt - config.clock();
    timer = setTimeout(
      () => void renewInBackground(),
      Math.min(Math.max(delay ?? due, 0), MAXIMUM_DELAY_MS),
    );
    // A process that has nothing else to do ends.
    if (typeof timer === 'object') timer.unref();
  }

  async function renewInBackground(): Promise<void> {
    const attempted = live;
    try {
      await renew();
    } catch (error) {
      // `renew` shows what is final. Anything else may pass: try again while the token is good.
      if (attempted === undefined || attempted !== live || closing.signal.aborted) return;
      if (config.clock() < attempted.expiresAt) return schedule(RETRY_MS);
      if (isPzkError(error)) showLoss(error);
    }
  }

  const showsActive = () => store.getSnapshot().status === 'active';

  /** A start that runs may still bring another session: its passkey sheet is open. */
  function showLoss(error: PzkError): void {
    store.set(step ?? { status: 'failed', error });
  }

  async function take({ token, key }: TokenGrant): Promise<void> {
    const now = config.clock();
    const lifetime = token.expires_in * 1000;
    live = { key, token, expiresAt: now + lifetime };
    // Short tokens: never so early that renewal would run without end.
    renewAt = now + Math.max(lifetime - config.renewBefore * 1000, lifetime / 2);
    store.set(describe(live, false));
    schedule();
    await records.writeSession({
      keyPair: key.keyPair,
      clientId: token.client_id,
      scope: token.scope,
      clockOffset: signer.clockOffset,
    });
  }

  function requestRenewal(key: SessionKey, clientId: string, scope: string) {
    const body = new URLSearchParams({ grant_type: RENEW_GRANT, client_id: clientId, scope });
    if (config.resource !== undefined) body.set('resource', config.resource);
    return transport.post(
      { path: '/token', body, key, signal: closing.signal },
      tokenResponseSchema,
    );
  }

  /** That of the last challenge, as a renewal brings none. If it is wrong by now, the server says so. */
  function useClockOf({ clockOffset }: SessionRecord): void {
    if (signer.clockOffset === 0) signer.clockOffset = clockOffset;
  }

  function forget(): void {
    epoch++;
    live = undefined;
    // It may hang: the next session has a renewal of its own.
    renewal = undefined;
    clearTimeout(timer);
  }

  /** Deletes the stored session of a key, unless a new one of the same key lives. */
  function deleteStored({ jkt }: SessionKey): Promise<void> {
    return records.deleteSession(
      async ({ keyPair }) =>
        (await describeSessionKey(keyPair)).jkt === jkt && live?.key.jkt !== jkt,
    );
  }

  function revoke({ token, key }: TokenGrant): Promise<void> {
    const { access_token, client_id } = token;
    const fields = { token: access_token, token_type_hint: 'access_token', client_id };
    const body = new URLSearchParams(fields);
    return transport.postVoid({ path: '/revoke', body, key, signal: closing.signal });
  }

  /** Ends the session of before a reload: without a token, its key gets one more, to be revoked. */
  async function endStored(): Promise<void> {
    const record = await records.readSession();
    if (record === undefined) return records.deleteSession();
    const key = await describeSessionKey(record.keyPair);
    const deleted = deleteStored(key).catch(() => undefined);
    useClockOf(record);
    try {
      const token = await requestRenewal(key, record.clientId, record.scope);
      // A start that follows at once may have taken the key over.
      if (live?.key.jkt !== key.jkt) await revoke({ token, key });
    } catch (cause) {
      // Refused, it has ended already.
      if (!isPzkError(cause) || !FINAL_REFUSALS.has(cause.code)) throw cause;
    } finally {
      await deleted;
    }
  }

  async function renewOnce(): Promise<LiveSession> {
    const before = live;
    if (before === undefined) throw new PzkError('not_signed_in', 'There is no session.');
    const started = epoch;
    if (showsActive()) store.set(describe(before, true));
    try {
      const { client_id: clientId, scope } = before.token;
      const token = await requestRenewal(before.key, clientId, scope);
      if (started !== epoch) throw new PzkError('aborted', 'The session ended meanwhile.');
      // A ceremony may have brought a newer token of the same key; it is as good as this one.
      if (live === before) await take({ token, key: before.key });
      return live ?? before;
    } catch (cause) {
      if (started !== epoch || live !== before) throw cause;
      if (isPzkError(cause) && FINAL_REFUSALS.has(cause.code)) {
        const error = new PzkError('session_expired', 'The session has ended.', {
          cause,
          hint: 'Start a new one with a touch of the passkey.',
        });
        forget();
        onEnded();
        showLoss(error);
        // A key that stays is of no use: the server refuses it.
        await deleteStored(before.key).catch(() => undefined);
        throw error;
      }
      if (showsActive()) store.set(describe(before, false));
      throw cause;
    }
  }

  function renew(): Promise<LiveSession> {
    if (renewal !== undefined) return renewal;
    const pending = renewOnce().finally(() => {
      if (renewal === pending) renewal = undefined;
    });
    renewal = pending;
    return pending;
  }

  async function resumeOnce(): Promise<boolean> {
    if (live !== undefined) {
      if (config.clock() >= live.expiresAt) await renew();
      return true;
    }
    const started = epoch;
    // A ceremony may make a session meanwhile, which this answer does not concern.
    const overtaken = () => started !== epoch || live !== undefined;
    const record = await records.readSession();
    if (record === undefined) return live !== undefined;
    const key = await describeSessionKey(record.keyPair);
    if (overtaken()) return live !== undefined;
    useClockOf(record);
    const previous = store.getSnapshot();
    const exchanging: SessionState = { status: 'exchanging' };
    if (step === undefined) store.set(exchanging);
    let token: TokenResponse;
    try {
      token = await requestRenewal(key, record.clientId, record.scope);
    } catch (cause) {
      if (overtaken()) return live !== undefined;
      const isFinal = isPzkError(cause) && FINAL_REFUSALS.has(cause.code);
      if (isFinal) onEnded();
      // Else a ceremony has begun or ended meanwhile, and shows itself.
      if (store.getSnapshot() === exchanging) store.set(previous);
      if (!isFinal) throw cause;
      await deleteStored(key);
      return false;
    }
    if (overtaken()) return live !== undefined;
    await take({ token, key });
    return true;
  }

  return {
    current: () => live,
    showStep(next) {
      step = Object.freeze(next);
      const session = showsActive() ? live : undefined;
      store.set(session === undefined ? step : describe(session, renewal !== undefined));
    },
    adopt(grant) {
      step = undefined;
      return take(grant);
    },
    renew,
    async storedKey() {
      if (live !== undefined) return live.key;
      const record = await records.readSession();
      return record && describeSessionKey(record.keyPair);
    },
    resume() {
      resumption ??= resumeOnce().finally(() => {
        resumption = undefined;
      });
      return resumption;
    },
    async signOut() {
      const ended = live;
      step = undefined;
      forget();
      store.set({ status: 'signed-out' });
      if (ended === undefined) return endStored();
      // The token must end also where the storage fails or hangs; a key that stays is then of no use.
      const deleted = deleteStored(ended.key).catch(() => undefined);
      try {
        await revoke(ended);
      } finally {
        await deleted;
      }
    },
    rest(otherwise) {
      step = undefined;
      store.set(live === undefined ? otherwise : describe(live, renewal !== undefined));
    },
    setObserved(value) {
      observed = value;
      schedule();
    },
    close() {
      closing.abort();
      clearTimeout(timer);
    },
  };
}
