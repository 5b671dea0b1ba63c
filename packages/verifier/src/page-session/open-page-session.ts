import { authenticateAt } from '../exchange/authenticate.js';
import type { Engine } from '../exchange/engine.js';
import { sessionOfJti } from '../exchange/revocation-ids.js';
import { sessionRowId } from '../exchange/session-rows.js';
import { refusal } from '../refuse.js';
import { createPageSecret, pageCookie, pageRowId, readPageSecret } from './page-cookie.js';

/**
 * `POST {base}/page-session`, authenticated like a protected call: gives the browser a cookie that
 * stands for the session where only pages are read. Returns the `Set-Cookie` value.
 *
 * @throws PzkError as for protected calls; `invalid_token` if the session of the token has ended
 */
export async function openPageSession(engine: Engine, request: Request): Promise<string> {
  const { config, stores } = engine;
  const url = () => `${config.baseUrl}/page-session`;
  const session = await authenticateAt(engine, url, request, {});
  const row = await stores.sessions.get(sessionRowId(config.issuer, session));
  const now = config.clock();
  const remaining = row === undefined ? 0 : row.createdAt + config.sessionLifetime * 1000 - now;
  // The token may be older than the row: a new touch makes another session under the same id.
  if (row === undefined || row.sid !== sessionOfJti(session.jti) || remaining < 1000) {
    throw refusal('invalid_token', 'The session of the token has ended.');
  }
  const secret = createPageSecret();
  await stores.sessions.put(pageRowId(config.issuer, secret), row, remaining);
  // A browser that has a cookie gets a new one for it: a value that was known before ends.
  const previous = readPageSecret(request.headers.get('cookie'));
  if (previous !== undefined) await stores.sessions.delete(pageRowId(config.issuer, previous));
  return pageCookie(secret, Math.floor(remaining / 1000));
}
