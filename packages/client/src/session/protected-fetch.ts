import { PzkError } from '@pzk-auth/protocol';
import { abortError, toPzkError } from '../abort.js';
import type { ExchangeContext } from '../exchange/exchange-context.js';
import { readErrorCode } from '../transport/problem.js';
import { untilAborted } from '../transport/until-aborted.js';
import type { LiveSession, SessionManager } from './session-manager.js';

/** A token this close to its end is renewed first: it might run out on the way. Milliseconds. */
const EXPIRY_MARGIN_MS = 2000;

function resolveUrl(input: RequestInfo | URL, audience: string): string | Request {
  if (input instanceof Request) return input;
  const base = typeof location === 'object' ? location.href : audience;
  return new URL(String(input), base).href;
}

/** @throws PzkError `not_signed_in` */
export function currentSession(manager: SessionManager): LiveSession {
  const session = manager.current();
  if (session !== undefined) return session;
  throw new PzkError('not_signed_in', 'There is no session.', {
    hint: 'Call start() or resume() first.',
  });
}

/**
 * Makes the `fetch` of protected calls (RFC 9449 section 7).
 *
 * Redirects are refused: a proof names one URL, and a token must not follow elsewhere.
 */
export function createProtectedFetch(
  { config, signer, synchronizeClock }: ExchangeContext,
  manager: SessionManager,
): typeof fetch {
  function assertOrigin(url: string): void {
    const { origin } = new URL(url);
    if (config.tokenOrigins.has(origin)) return;
    throw new TypeError(
      `pzk fetch: ${origin} does not get the token, which is for ${[...config.tokenOrigins].join(', ')}. ` +
        'Pass an absolute URL of the API, or serve page and API on one origin.',
    );
  }

  /** Other calls share the renewal: this one stops waiting by its own signal. */
  async function renew(signal: AbortSignal): Promise<LiveSession> {
    try {
      return await untilAborted(manager.renew(), signal);
    } catch (cause) {
      throw signal.aborted ? abortError(signal) : cause;
    }
  }

  async function usableSession(signal: AbortSignal): Promise<LiveSession> {
    const session = currentSession(manager);
    if (config.clock() + EXPIRY_MARGIN_MS < session.expiresAt) return session;
    return renew(signal);
  }

  async function attempt(request: Request, session: LiveSession): Promise<Response> {
    const { url, method, signal } = request;
    const accessToken = session.token.access_token;
    const headers = new Headers(request.headers);
    headers.set('authorization', `DPoP ${accessToken}`);
    headers.set('dpop', await signer.sign(session.key, { method, url, accessToken }));
    let response: Response;
    try {
      // A copy each time, so that the body is there for a second attempt.
      response = await config.fetch(new Request(request.clone(), { headers, redirect: 'error' }));
    } catch (cause) {
      throw toPzkError(cause, signal, {
        code: 'network_error',
        message: 'There was no answer that this page may read.',
        hint: 'If the API is on another origin, look at its CORS headers (pzk.cors()) and at origins.',
      });
    }
    signer.learnNonce(url, response);
    return response;
  }

  return async (input, init) => {
    const request = new Request(resolveUrl(input, config.audience), init);
    assertOrigin(request.url);
    let renewed = false;
    let answeredNonce = false;
    let synchronized = false;
    for (;;) {
      const session = await usableSession(request.signal);
      const { clockOffset } = signer;
      const response = await attempt(request, session);
      if (response.status !== 401 && response.status !== 400) return response;
      const code = await readErrorCode(response);
      if (code === 'insufficient_user_authentication') {
        throw new PzkError(code, 'The server asks for a fresh touch of the passkey.', {
          hint: 'Call start(), then repeat the call.',
        });
      }
      if (code === 'use_dpop_nonce' && response.headers.has('dpop-nonce') && !answeredNonce) {
        answeredNonce = true;
      } else if (
        code === 'invalid_dpop_proof' &&
        !synchronized &&
        (await synchronizeClock({ key: session.key, signal: request.signal, clockOffset }))
      ) {
        synchronized = true;
      } else if (code === 'invalid_token' && !renewed) {
        renewed = true;
        // Another call may have renewed it meanwhile.
        if (manager.current() === session) await renew(request.signal);
      } else if (request.signal.aborted) {
        throw abortError(request.signal);
      } else return response;
      await response.body?.cancel();
    }
  };
}
