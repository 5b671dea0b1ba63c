import {
  type Bytes,
  decodeBase64url,
  encodeBase64url,
  INVITATION_CODE_BYTES,
  type InvitationNewFields,
  type InvitationOldFields,
  invitationIdInfo,
  invitationNewKeyInfo,
  invitationNewMessage,
  invitationOldKeyInfo,
  invitationOldMessage,
  isBase64url,
  PzkError,
} from '@pzk-auth/protocol';

const ID_BITS = 128;
const HMAC = { name: 'HMAC', hash: 'SHA-256', length: 256 } as const;
/** Before the code in the fragment of a link. */
const FRAGMENT = 'pzk-invitation=';

/** What follows from the code of an invitation (docs/protocol.md section 12.12). */
export interface InvitationKeys {
  /** The only part of it that the server learns, base64url. */
  readonly id: string;
  /** Vouches for the vault: HMAC over `invitationOldMessage`. */
  signOld(fields: Omit<InvitationOldFields, 'id'>): Promise<Bytes>;
  verifyOld(fields: Omit<InvitationOldFields, 'id'>, mac: Bytes): Promise<boolean>;
  /** Vouches for the recipient that joins: HMAC over `invitationNewMessage`. */
  signNew(fields: Omit<InvitationNewFields, 'id'>): Promise<Bytes>;
  verifyNew(fields: Omit<InvitationNewFields, 'id'>, mac: Bytes): Promise<boolean>;
}

/** The error for an invitation that is refused. */
export function invitationInvalid(message: string, hint?: string): PzkError {
  return new PzkError('invitation_invalid', message, hint === undefined ? {} : { hint });
}

/** Makes a code: base64url, to be carried outside the platform. */
export function createInvitationCode(): string {
  return encodeBase64url(crypto.getRandomValues(new Uint8Array(INVITATION_CODE_BYTES)));
}

/** The fragment of a link, without `#`: for a QR code or a message outside the platform. */
export function formatInvitationFragment(code: string): string {
  return FRAGMENT + code;
}

/**
 * Finds the code in what a person pastes or a page was opened with: the code itself, a fragment, or a
 * link that has one.
 *
 * @throws PzkError `invitation_invalid`
 */
export function parseInvitationCode(text: string): string {
  const code = text.trim().split(/[#&]/).at(-1)?.replace(FRAGMENT, '') ?? '';
  if (isBase64url(code, INVITATION_CODE_BYTES)) return code;
  throw invitationInvalid('This is no invitation.', 'Copy the whole link, or scan it again.');
}

/** Derives id and keys from a code. */
export async function deriveInvitationKeys(code: string, issuer: string): Promise<InvitationKeys> {
  const bytes = decodeBase64url(code, INVITATION_CODE_BYTES);
  const base = await crypto.subtle.importKey('raw', bytes, 'HKDF', false, [
    'deriveBits',
    'deriveKey',
  ]);
  bytes.fill(0);
  const hkdf = (info: Bytes) => ({ name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info });
  const macKey = (info: Bytes) =>
    crypto.subtle.deriveKey(hkdf(info), base, HMAC, false, ['sign', 'verify']);
  const [idBits, oldKey, newKey] = await Promise.all([
    crypto.subtle.deriveBits(hkdf(invitationIdInfo(issuer)), base, ID_BITS),
    macKey(invitationOldKeyInfo(issuer)),
    macKey(invitationNewKeyInfo(issuer)),
  ]);
  const id = encodeBase64url(new Uint8Array(idBits));
  const sign = async (key: CryptoKey, message: Bytes) =>
    new Uint8Array(await crypto.subtle.sign('HMAC', key, message));
  return {
    id,
    signOld: (fields) => sign(oldKey, invitationOldMessage({ ...fields, id })),
    verifyOld: (fields, mac) =>
      crypto.subtle.verify('HMAC', oldKey, mac, invitationOldMessage({ ...fields, id })),
    signNew: (fields) => sign(newKey, invitationNewMessage({ ...fields, id })),
    verifyNew: (fields, mac) =>
      crypto.subtle.verify('HMAC', newKey, mac, invitationNewMessage({ ...fields, id })),
  };
}
