import { decodeJwt } from 'jose';

/** What a client shows of its token. Not verified: the token is the server's business. */
export interface TokenClaims {
  readonly account?: string;
  readonly keyProtection?: 'device';
  /** Seconds since the epoch. */
  readonly authTime?: number;
}

/** Reads claims of an access token for display; none if it is no JWT. */
export function readTokenClaims(token: string): TokenClaims {
  try {
    const { sub, key_protection: protection, auth_time: authTime } = decodeJwt(token);
    return {
      ...(typeof sub === 'string' ? { account: sub } : {}),
      ...(protection === 'device' ? { keyProtection: protection } : {}),
      ...(typeof authTime === 'number' ? { authTime } : {}),
    };
  } catch {
    return {};
  }
}
