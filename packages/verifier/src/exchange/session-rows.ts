import { encodeBase64url, lp, sha256 } from '@pzk-auth/protocol';

/** A session is found by issuer, session key, API key and audience. */
export function sessionRowId(
  issuer: string,
  fields: { readonly jkt: string; readonly key: string; readonly audience: string },
): string {
  return encodeBase64url(sha256(lp(issuer, fields.jkt, fields.key, fields.audience)));
}
