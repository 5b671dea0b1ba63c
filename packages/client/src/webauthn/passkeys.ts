import { type Bytes, decodeBase64url, PzkError, prfInput } from '@pzk-auth/protocol';
import { abortError, throwIfAborted } from '../abort.js';

/** The part of `navigator.credentials` that the client uses. */
export interface PasskeyAuthenticator {
  create(options: CredentialCreationOptions): Promise<Credential | null>;
  get(options: CredentialRequestOptions): Promise<Credential | null>;
  /**
   * WebAuthn Level 3 section 5.1.10.1: tells the authenticator that the server does not know a passkey,
   * so that it offers it no more. Absent where the browser has no such signal.
   */
  signalUnknownCredential?(options: {
    readonly rpId: string;
    /** base64url. */
    readonly credentialId: string;
  }): Promise<void>;
}

/**
 * The authenticators of the browser.
 *
 * @throws PzkError `unsupported_environment`
 */
export function browserAuthenticator(): PasskeyAuthenticator {
  if (typeof PublicKeyCredential !== 'function' || typeof navigator !== 'object') {
    throw new PzkError('unsupported_environment', 'There is no WebAuthn here.', {
      hint: 'Open the page over HTTPS or at localhost, in a current browser.',
    });
  }
  return {
    create: (options) => navigator.credentials.create(options),
    get: (options) => navigator.credentials.get(options),
    ...('signalUnknownCredential' in PublicKeyCredential && {
      signalUnknownCredential: (options) => PublicKeyCredential.signalUnknownCredential(options),
    }),
  };
}

/** Whom a new passkey is for. Shown by the authenticator; never sent to the issuer. */
export interface PasskeyUser {
  /** E.g. an e-mail address. */
  readonly name: string;
  readonly displayName: string;
}

/** COSE algorithms: ES256, EdDSA, RS256 (IANA COSE registry), most wanted first. */
const ALGORITHMS = [-7, -8, -257];
const TIMEOUT_MS = 5 * 60 * 1000;

function passkeyError(cause: unknown, signal: AbortSignal): PzkError {
  if (signal.aborted) return abortError(signal);
  const name = cause instanceof Error || cause instanceof DOMException ? cause.name : '';
  if (name === 'NotAllowedError' || name === 'AbortError') {
    return new PzkError('passkey_cancelled', 'The passkey was not used.', {
      cause,
      hint: 'The request was cancelled or ran out of time, or no passkey fits. Try again.',
    });
  }
  if (name === 'InvalidStateError') {
    return new PzkError('passkey_unavailable', 'This authenticator is registered already.', {
      cause,
    });
  }
  return new PzkError('passkey_unavailable', 'The browser refused to use a passkey here.', {
    cause,
    ...(name === 'SecurityError'
      ? { hint: 'The RP id must be the host of the page or a suffix of it, over HTTPS.' }
      : {}),
  });
}

async function ask(
  request: () => Promise<Credential | null>,
  signal: AbortSignal,
): Promise<PublicKeyCredential> {
  let credential: Credential | null;
  try {
    credential = await request();
  } catch (cause) {
    throw passkeyError(cause, signal);
  }
  if (credential === null || credential.type !== 'public-key') {
    throw new PzkError('passkey_cancelled', 'The passkey was not used.');
  }
  return credential as PublicKeyCredential;
}

/**
 * Tells the authenticator, where it listens, that a passkey is of no use. Best effort: nothing waits
 * for it, and nothing comes of its failure.
 */
export function disownPasskey(
  authenticator: PasskeyAuthenticator,
  passkey: { readonly rpId: string; readonly credentialId: string },
): void {
  const signal = async () => authenticator.signalUnknownCredential?.(passkey);
  signal().catch(() => undefined);
}

/** PRF inputs: a generation and the next, to which this device may have moved. */
function prfExtension(issuer: string, generation: number): AuthenticationExtensionsClientInputs {
  const eval_ = { first: prfInput(issuer, generation), second: prfInput(issuer, generation + 1) };
  return { prf: { eval: eval_ } };
}

/** What both ceremonies need. */
export interface PasskeyRequest {
  readonly authenticator: PasskeyAuthenticator;
  readonly issuer: string;
  readonly rpId: string;
  /** 32 bytes, computed by this client. */
  readonly challenge: Bytes;
  readonly signal: AbortSignal;
}

/**
 * Makes a discoverable passkey with user verification, and asks for PRF outputs of a generation. It
 * is made, and returned, also where the signal fired while it was.
 *
 * @throws PzkError `passkey_cancelled`, `passkey_unavailable`, `aborted`
 */
export function createPasskey(
  request: PasskeyRequest & {
    readonly user: PasskeyUser;
    /** `user.id`, 32 random bytes. */
    readonly userId: Bytes;
    readonly generation: number;
  },
): Promise<PublicKeyCredential> {
  const { authenticator, challenge, rpId, signal, issuer, user } = request;
  const publicKey: PublicKeyCredentialCreationOptions = {
    challenge,
    rp: { id: rpId, name: rpId },
    user: { id: request.userId, name: user.name, displayName: user.displayName },
    pubKeyCredParams: ALGORITHMS.map((alg) => ({ type: 'public-key', alg })),
    authenticatorSelection: {
      residentKey: 'required',
      requireResidentKey: true,
      userVerification: 'required',
    },
    attestation: 'none',
    timeout: TIMEOUT_MS,
    extensions: { ...prfExtension(issuer, request.generation), credProps: true },
  };
  return ask(() => authenticator.create({ publicKey, signal }), signal);
}

/**
 * Asks for an assertion with user verification.
 *
 * PRF inputs go in as `eval` and not as `evalByCredential`, with one credential named: some password
 * managers answer the latter with a blank sheet.
 *
 * @throws PzkError `passkey_cancelled`, `passkey_unavailable`, `aborted`
 */
export async function getPasskey(
  request: PasskeyRequest & {
    /** base64url; absent: the user chooses among discoverable ones. */
    readonly credentialId?: string | undefined;
    /** Generation of PRF inputs; 0 asks for none. */
    readonly generation: number;
  },
): Promise<PublicKeyCredential> {
  const { authenticator, challenge, rpId, signal, credentialId, issuer, generation } = request;
  const publicKey: PublicKeyCredentialRequestOptions = {
    challenge,
    rpId,
    allowCredentials:
      credentialId === undefined ? [] : [{ type: 'public-key', id: decodeBase64url(credentialId) }],
    userVerification: 'required',
    timeout: TIMEOUT_MS,
    ...(generation > 0 ? { extensions: prfExtension(issuer, generation) } : {}),
  };
  const credential = await ask(() => authenticator.get({ publicKey, signal }), signal);
  throwIfAborted(signal);
  return credential;
}
