import { type Bytes, encodeBase64url, equalBytes, sha256, utf8 } from '@pzk-auth/protocol';
import {
  authenticatorFlags,
  encodeAttestationObject,
  encodeAuthenticatorData,
  encodeCoseKey,
  encodeHmacSecretOutput,
} from './authenticator-data.js';
import { encodeDerSignature } from './ecdsa-der.js';
import { choosePrfInputs, copyBytes, prfOutputs, type SoftwarePrf } from './software-prf.js';

const ES256 = -7;
const EC_ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' } as const;

/** Lies that a software authenticator tells in the ceremonies that follow. */
export interface AuthenticatorTampering {
  /** `type` of the client data. */
  readonly type?: string;
  /** `origin` of the client data. */
  readonly origin?: string;
  readonly crossOrigin?: boolean;
  readonly topOrigin?: string;
  /** Challenge of the client data instead of the one asked for. */
  readonly challenge?: Uint8Array;
  /** Changes the flag byte of the authenticator data, before it is signed. */
  readonly flags?: (flags: number) => number;
  /** Replaces the reported counter, before it is signed. */
  readonly signCount?: (signCount: number) => number;
  readonly rpIdHash?: Uint8Array;
  /** `userHandle` of an assertion; `null` leaves it out. */
  readonly userHandle?: Uint8Array | null;
  /** Id that the credential claims to have, without being it. */
  readonly credentialId?: Uint8Array;
  /** Changes a signature after signing. */
  readonly signature?: (signature: Uint8Array) => Uint8Array;
}

/** What of a software authenticator can change while it lives. */
export interface SoftwareAuthenticatorBehaviour {
  /**
   * The PRF extension. `create-and-get` (default): outputs in both ceremonies; `get`: outputs at
   * `get()` only; `create-only`: announced and given at `create()`, missing at `get()` (Windows
   * Hello); `disagreeing`: other outputs each time (hybrid transport of iOS 18.0 to 18.3); `false`:
   * not supported.
   */
  readonly prf?: SoftwarePrf;
  /** Whether the user can be verified. Default true. */
  readonly userVerification?: boolean;
  /** `increment` (default) starts at 1; `zero` always reports 0, as synced passkeys do. */
  readonly counter?: 'increment' | 'zero';
  /** Lies for tests of refusals. Default none. */
  readonly tamper?: AuthenticatorTampering;
  /**
   * Runs where the user would be asked. May wait (the ceremony's `signal` ends it) or throw what a
   * browser would, e.g. `new DOMException('', 'NotAllowedError')`.
   */
  readonly onUserPrompt?: (ceremony: 'create' | 'get') => void | Promise<void>;
}

/** Options of {@link createSoftwareAuthenticator}. */
export interface SoftwareAuthenticatorOptions extends SoftwareAuthenticatorBehaviour {
  /** Origin of the page that the authenticator pretends to serve. */
  readonly origin: string;
  /** RP id where a request names none. Default: host of `origin`. */
  readonly rpId?: string;
  /** BE flag: a passkey that may be synced. Default false. */
  readonly backupEligible?: boolean;
  /** BS flag: a passkey that is synced. Default: as `backupEligible`. */
  readonly backupState?: boolean;
  /** Default `platform`. */
  readonly attachment?: AuthenticatorAttachment;
}

/** A credential as a test may look at it. */
export interface SoftwareCredential {
  /** base64url. */
  readonly id: string;
  readonly rpId: string;
  readonly userHandle: Uint8Array;
  readonly discoverable: boolean;
  readonly signCount: number;
}

/** An authenticator and its browser in one, for tests. */
export interface SoftwareAuthenticator {
  /** As `navigator.credentials.create`. */
  create(options: CredentialCreationOptions): Promise<PublicKeyCredential>;
  /** As `navigator.credentials.get`. The newest fitting credential answers. */
  get(options: CredentialRequestOptions): Promise<PublicKeyCredential>;
  /** As `PublicKeyCredential.signalUnknownCredential`: forgets the credential. */
  signalUnknownCredential(options: {
    readonly rpId: string;
    readonly credentialId: string;
  }): Promise<void>;
  /** Changes behaviour from now on; what is not named stays. `tamper: {}` ends all lies. */
  configure(behaviour: SoftwareAuthenticatorBehaviour): void;
  /** What is stored, oldest first. */
  credentials(): readonly SoftwareCredential[];
  /** Forgets a credential, or all of them. */
  remove(id?: string): void;
}

interface StoredCredential {
  readonly id: Bytes;
  readonly rpId: string;
  readonly userHandle: Bytes;
  readonly discoverable: boolean;
  readonly privateKey: CryptoKey;
  readonly prfSecret: Bytes;
  signCount: number;
}

const random = (length: number): Bytes => crypto.getRandomValues(new Uint8Array(length));

/**
 * A software authenticator behind the surface of `navigator.credentials`: real ES256 signatures,
 * attestation `none`, counter, flags, PRF, allow and exclude lists, and the errors that browsers
 * throw. Keys live in memory. For tests only.
 */
export function createSoftwareAuthenticator(
  options: SoftwareAuthenticatorOptions,
): SoftwareAuthenticator {
  const { origin, attachment = 'platform', backupEligible = false } = options;
  const { backupState = backupEligible } = options;
  const host = new URL(origin).hostname;
  const stored: StoredCredential[] = [];
  let behaviour: Required<Omit<SoftwareAuthenticatorBehaviour, 'onUserPrompt'>> &
    Pick<SoftwareAuthenticatorBehaviour, 'onUserPrompt'> = {
    prf: options.prf ?? 'create-and-get',
    userVerification: options.userVerification ?? true,
    counter: options.counter ?? 'increment',
    tamper: options.tamper ?? {},
    ...(options.onUserPrompt === undefined ? {} : { onUserPrompt: options.onUserPrompt }),
  };

  function resolveRpId(requested: string | undefined): string {
    const rpId = requested ?? options.rpId ?? host;
    if (host !== rpId && !host.endsWith(`.${rpId}`)) {
      throw new DOMException('The RP id is no suffix of the origin.', 'SecurityError');
    }
    return rpId;
  }

  async function askUser(
    ceremony: 'create' | 'get',
    verification: UserVerificationRequirement | undefined,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    signal?.throwIfAborted();
    const aborted = new Promise<never>((_, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    await Promise.race([behaviour.onUserPrompt?.(ceremony), aborted]);
    signal?.throwIfAborted();
    if (verification === 'required' && !behaviour.userVerification) {
      throw new DOMException('The user was not verified.', 'NotAllowedError');
    }
  }

  function clientData(type: string, challenge: BufferSource): Bytes {
    const { tamper } = behaviour;
    return utf8(
      JSON.stringify({
        type: tamper.type ?? type,
        challenge: encodeBase64url(tamper.challenge ?? copyBytes(challenge)),
        origin: tamper.origin ?? origin,
        crossOrigin: tamper.crossOrigin ?? false,
        ...(tamper.topOrigin === undefined ? {} : { topOrigin: tamper.topOrigin }),
      }),
    );
  }

  function flagByte(extra: number): number {
    const flags =
      authenticatorFlags.userPresent |
      (behaviour.userVerification ? authenticatorFlags.userVerified : 0) |
      (backupEligible ? authenticatorFlags.backupEligible : 0) |
      (backupState ? authenticatorFlags.backupState : 0) |
      extra;
    return behaviour.tamper.flags?.(flags) ?? flags;
  }

  function countSignature(credential: StoredCredential): number {
    if (behaviour.counter === 'increment') credential.signCount++;
    const reported = behaviour.counter === 'zero' ? 0 : credential.signCount;
    return behaviour.tamper.signCount?.(reported) ?? reported;
  }

  const hashOfRpId = (rpId: string): Uint8Array => behaviour.tamper.rpIdHash ?? sha256(utf8(rpId));

  async function create(request: CredentialCreationOptions): Promise<PublicKeyCredential> {
    const { publicKey, signal } = request;
    if (publicKey === undefined) throw new DOMException('Not WebAuthn.', 'NotSupportedError');
    const rpId = resolveRpId(publicKey.rp.id);
    const selection = publicKey.authenticatorSelection;
    const prf = publicKey.extensions?.prf;
    if (prf?.evalByCredential !== undefined) {
      throw new DOMException('evalByCredential at registration.', 'NotSupportedError');
    }
    await askUser('create', selection?.userVerification, signal);
    const known = publicKey.excludeCredentials?.map(({ id }) => copyBytes(id)) ?? [];
    if (stored.some((one) => one.rpId === rpId && known.some((id) => equalBytes(id, one.id)))) {
      throw new DOMException('The authenticator is registered already.', 'InvalidStateError');
    }
    if (!publicKey.pubKeyCredParams.some(({ alg }) => alg === ES256)) {
      throw new DOMException('No supported algorithm.', 'NotSupportedError');
    }

    const keys = await crypto.subtle.generateKey(EC_ALGORITHM, false, ['sign', 'verify']);
    const coseKey = encodeCoseKey(
      new Uint8Array(await crypto.subtle.exportKey('raw', keys.publicKey)),
    );
    const spki = await crypto.subtle.exportKey('spki', keys.publicKey);
    const credential: StoredCredential = {
      id: random(32),
      rpId,
      userHandle: copyBytes(publicKey.user.id),
      discoverable:
        selection?.requireResidentKey === true ||
        selection?.residentKey === 'required' ||
        selection?.residentKey === 'preferred',
      privateKey: keys.privateKey,
      prfSecret: random(32),
      signCount: 0,
    };
    const withPrf = prf !== undefined && behaviour.prf !== false;
    const reportedId = behaviour.tamper.credentialId ?? credential.id;
    const authenticatorData = encodeAuthenticatorData({
      rpIdHash: hashOfRpId(rpId),
      flags: flagByte(
        authenticatorFlags.attestedCredentialData |
          (withPrf ? authenticatorFlags.extensionData : 0),
      ),
      signCount: countSignature(credential),
      attested: { credentialId: reportedId, coseKey },
      extensions: withPrf ? encodeHmacSecretOutput() : undefined,
    });
    const clientDataJSON = clientData('webauthn.create', publicKey.challenge);
    const prfResult =
      prf && (await prfOutputs(behaviour.prf, 'create', credential.prfSecret, prf.eval));
    // A discoverable credential replaces the one of the same user (WebAuthn L3 section 6.3.2).
    const previous = stored.findIndex(
      (one) =>
        one.discoverable &&
        credential.discoverable &&
        one.rpId === rpId &&
        equalBytes(one.userHandle, credential.userHandle),
    );
    if (previous >= 0) stored.splice(previous, 1);
    stored.push(credential);

    const attestationObject = encodeAttestationObject(authenticatorData);
    const response: AuthenticatorAttestationResponse = {
      clientDataJSON: clientDataJSON.buffer,
      attestationObject: attestationObject.buffer,
      getAuthenticatorData: () => authenticatorData.buffer.slice(0),
      getPublicKey: () => spki.slice(0),
      getPublicKeyAlgorithm: () => ES256,
      getTransports: () => (attachment === 'platform' ? ['internal'] : ['usb']),
    };
    const wantsProps = publicKey.extensions?.credProps === true;
    return present(reportedId, response, {
      ...(prfResult === undefined ? {} : { prf: prfResult }),
      ...(wantsProps ? { credProps: { rk: credential.discoverable } } : {}),
    });
  }

  function chooseCredential(
    rpId: string,
    allowed: readonly PublicKeyCredentialDescriptor[],
  ): StoredCredential {
    const ids = allowed.map(({ id }) => copyBytes(id));
    const fitting = stored.filter(
      (one) =>
        one.rpId === rpId &&
        (ids.length === 0 ? one.discoverable : ids.some((id) => equalBytes(id, one.id))),
    );
    const chosen = fitting.at(-1);
    // Browsers do not tell "no such credential" from "the user said no".
    if (chosen === undefined) throw new DOMException('No credential.', 'NotAllowedError');
    return chosen;
  }

  async function get(request: CredentialRequestOptions): Promise<PublicKeyCredential> {
    const { publicKey, signal } = request;
    if (publicKey === undefined) throw new DOMException('Not WebAuthn.', 'NotSupportedError');
    const rpId = resolveRpId(publicKey.rpId);
    const allowed = publicKey.allowCredentials ?? [];
    const prf = publicKey.extensions?.prf;
    if (prf?.evalByCredential !== undefined && allowed.length === 0) {
      throw new DOMException('evalByCredential without allowCredentials.', 'NotSupportedError');
    }
    await askUser('get', publicKey.userVerification, signal);
    const credential = chooseCredential(rpId, allowed);

    const authenticatorData = encodeAuthenticatorData({
      rpIdHash: hashOfRpId(rpId),
      flags: flagByte(0),
      signCount: countSignature(credential),
    });
    const clientDataJSON = clientData('webauthn.get', publicKey.challenge);
    const signed = new Uint8Array([...authenticatorData, ...sha256(clientDataJSON)]);
    const raw = await crypto.subtle.sign(
      { name: 'ECDSA', hash: 'SHA-256' },
      credential.privateKey,
      signed,
    );
    const der = encodeDerSignature(new Uint8Array(raw));
    const signature = new Uint8Array(behaviour.tamper.signature?.(der) ?? der);
    const { userHandle = credential.userHandle } = behaviour.tamper;
    const prfResult =
      prf &&
      (await prfOutputs(
        behaviour.prf,
        'get',
        credential.prfSecret,
        choosePrfInputs(prf, credential.id),
      ));
    const response: AuthenticatorAssertionResponse = {
      clientDataJSON: clientDataJSON.buffer,
      authenticatorData: authenticatorData.buffer,
      signature: signature.buffer,
      userHandle: userHandle === null ? null : userHandle.slice().buffer,
    };
    return present(
      behaviour.tamper.credentialId ?? credential.id,
      response,
      prfResult === undefined ? {} : { prf: prfResult },
    );
  }

  /** The answer as a browser gives it. Its `toJSON()` prints PRF outputs, as real ones do. */
  function present(
    id: Uint8Array,
    response: AuthenticatorAttestationResponse | AuthenticatorAssertionResponse,
    extensions: AuthenticationExtensionsClientOutputs,
  ): PublicKeyCredential {
    const text = encodeBase64url(id);
    const encoded = (value: unknown): unknown => {
      if (value instanceof ArrayBuffer) return encodeBase64url(new Uint8Array(value));
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(
        Object.entries(value)
          .filter(([, member]) => typeof member !== 'function' && member !== null)
          .map(([name, member]) => [name, encoded(member)]),
      );
    };
    return {
      id: text,
      rawId: id.slice().buffer,
      type: 'public-key',
      authenticatorAttachment: attachment,
      response,
      getClientExtensionResults: () => extensions,
      toJSON: () => ({
        id: text,
        rawId: text,
        type: 'public-key',
        authenticatorAttachment: attachment,
        response: encoded(response) as AuthenticatorAssertionResponseJSON,
        clientExtensionResults: encoded(extensions) as AuthenticationExtensionsClientOutputsJSON,
      }),
    };
  }

  /** Forgets the credentials that fit. */
  function forget(fits: (credential: StoredCredential) => boolean): void {
    for (let index = stored.length - 1; index >= 0; index--) {
      const one = stored[index];
      if (one !== undefined && fits(one)) stored.splice(index, 1);
    }
  }

  return {
    create,
    get,
    async signalUnknownCredential({ rpId, credentialId }) {
      resolveRpId(rpId);
      forget((one) => one.rpId === rpId && encodeBase64url(one.id) === credentialId);
    },
    configure(change) {
      behaviour = { ...behaviour, ...change };
    },
    credentials: () =>
      stored.map(({ id, rpId, userHandle, discoverable, signCount }) => ({
        id: encodeBase64url(id),
        rpId,
        userHandle: userHandle.slice(),
        discoverable,
        signCount,
      })),
    remove: (id) => forget((one) => id === undefined || encodeBase64url(one.id) === id),
  };
}
