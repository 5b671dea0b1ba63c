import type { TokenResponse } from '@pzk-auth/protocol';
import { refusal } from '../refuse.js';
import type { KeyRow } from '../stores/durable-stores.js';
import type { SessionRow } from '../stores/short-lived-stores.js';
import { signAccessToken } from '../token/access-token.js';
import type { Engine } from './engine.js';
import { createJti } from './revocation-ids.js';
import { subjectOf } from './subject.js';

/** Signs a token for a session. Everything was verified before. */
export async function issueToken(
  engine: Engine,
  session: SessionRow,
  grant: {
    readonly key: KeyRow;
    readonly scope: string;
    /**
     * When the exchange was opened, in milliseconds: the time at which the key was judged. Judged at a
     * later one, a key could expire in between, after its device was written.
     */
    readonly now: number;
    /** Hash of the canonical proof; absent at renewal. */
    readonly proofHash?: string;
  },
): Promise<TokenResponse> {
  const { config } = engine;
  const issuedAt = Math.floor(grant.now / 1000);
  const jti = createJti(session.sid);
  // A token outlives neither its key nor its session.
  const keyEnd = Math.floor((grant.key.expiresAt ?? Number.MAX_SAFE_INTEGER) / 1000);
  const sessionEnd = Math.floor(session.createdAt / 1000) + config.sessionLifetime;
  const expiresAt = Math.min(issuedAt + config.tokenLifetime, keyEnd, sessionEnd);
  if (expiresAt <= issuedAt) throw refusal('invalid_grant', 'Key or session has expired.');
  const token = await signAccessToken(
    {
      issuer: config.issuer,
      audience: session.audience,
      subject: subjectOf(config, session.account, session.audience),
      key: session.key,
      device: session.device,
      scope: grant.scope,
      jkt: session.jkt,
      jti,
      issuedAt,
      expiresAt,
      authTime: session.authTime,
      amr: session.amr,
      keyProtection: session.keyProtection,
      ...(grant.proofHash === undefined ? {} : { proofHash: grant.proofHash }),
    },
    await engine.signingKeys.signer(),
  );
  await engine.emit({
    type: grant.proofHash === undefined ? 'token_renewed' : 'token_issued',
    account: session.account,
    key: session.key,
    device: session.device,
    jti,
    scope: grant.scope,
  });
  return {
    access_token: token,
    token_type: 'DPoP',
    expires_in: expiresAt - issuedAt,
    scope: grant.scope,
    client_id: session.key,
  };
}
