import type { Engine } from '../exchange/engine.js';
import { refusal } from '../refuse.js';
import { clearedPageCookie, pageRowId, readPageSecret } from './page-cookie.js';

/**
 * `POST {base}/page-session/end`: forgets the page session of the cookie. Returns the `Set-Cookie` value
 * that removes it.
 *
 * Browsers send `Origin` with each POST. It has to name a page of ours: SameSite keeps the cookie from
 * a foreign form, but the answer to such a form could still remove it.
 */
export async function endPageSession(engine: Engine, request: Request): Promise<string> {
  const { config, stores } = engine;
  const origin = request.headers.get('origin');
  if (origin === null || !config.origins.has(origin)) {
    throw refusal('invalid_request', 'Not from a page of this issuer.');
  }
  const secret = readPageSecret(request.headers.get('cookie'));
  if (secret !== undefined) await stores.sessions.delete(pageRowId(config.issuer, secret));
  return clearedPageCookie();
}
