import { isPzkError, parseScope } from '@pzk-auth/protocol';
import type { Engine } from '../exchange/engine.js';
import { sessionRowId } from '../exchange/session-rows.js';
import { assertNotRevoked, getKey, isActiveDevice } from '../exchange/standing.js';
import { subjectOf } from '../exchange/subject.js';
import { pageRowId, readPageSecret } from './page-cookie.js';
import type { PageSession } from './page-session.js';

/**
 * Reads the page session of a `Cookie` header. It lives only as long as the session that opened it, is
 * judged as a renewal would be, and prolongs nothing: a stolen cookie keeps no session alive.
 *
 * @throws PzkError `store_unavailable`
 */
export async function readPageSession(
  engine: Engine,
  cookieHeader: string | null | undefined,
): Promise<PageSession | undefined> {
  const { config, stores } = engine;
  const secret = readPageSecret(cookieHeader);
  if (secret === undefined) return undefined;
  const opened = await stores.sessions.get(pageRowId(config.issuer, secret));
  if (opened === undefined) return undefined;
  const session = await stores.sessions.get(sessionRowId(config.issuer, opened));
  // Idle, signed out, or replaced by a new touch.
  if (session === undefined || session.sid !== opened.sid) return undefined;

  const now = config.clock();
  const end = session.createdAt + config.sessionLifetime * 1000;
  const { key } = await getKey(engine, session.key, now);
  const device = session.device === '' ? undefined : await stores.devices.get(session.device);
  if (end <= now || key === undefined || key.account !== session.account) return undefined;
  if (session.device !== '' && !isActiveDevice(device, session.account)) return undefined;
  try {
    const { account, sid } = session;
    await assertNotRevoked(engine, { account, key: key.id, device: session.device, sid });
  } catch (error) {
    if (isPzkError(error) && error.code === 'invalid_grant') return undefined;
    throw error;
  }
  return Object.freeze({
    kind: 'page',
    account: subjectOf(config, session.account, session.audience),
    key: session.key,
    device: session.device,
    scopes: Object.freeze([...parseScope(session.scope)]),
    audience: session.audience,
    authTime: session.authTime,
    amr: Object.freeze([...session.amr]),
    keyProtection: session.keyProtection,
    expiresAt: Math.floor(Math.min(end, key.expiresAt ?? end) / 1000),
  });
}
