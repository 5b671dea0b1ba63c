/** What the flow needs or likes. */
export type Capability =
  | 'secure-context'
  | 'webauthn'
  | 'platform-authenticator'
  | 'conditional-mediation'
  | 'prf'
  | 'indexeddb'
  | 'webassembly'
  | 'workers';

/** Whether a capability is there; `unknown` where the browser does not tell before a ceremony. */
export type CapabilityState = 'available' | 'unavailable' | 'unknown';

/** One capability with its reason. */
export interface CapabilityReport {
  readonly capability: Capability;
  readonly state: CapabilityState;
  /** Without it nothing works; what is not required has a fallback. */
  readonly required: boolean;
  /** What it means and what to do about it; empty where it is available. */
  readonly advice: string;
}

/** What a browser can do. `supported` unless something required is known to be missing. */
export interface SupportReport {
  readonly supported: boolean;
  readonly capabilities: readonly CapabilityReport[];
}

const ADVICE: Readonly<Record<Capability, string>> = {
  'secure-context': 'Open the page over HTTPS, or at localhost while developing.',
  webauthn: 'This browser has no passkeys. Use a current one.',
  'platform-authenticator':
    'This device has no own authenticator: use a security key or a phone, or set up a screen lock.',
  'conditional-mediation':
    'Passkeys are not offered in form fields; the button works all the same.',
  prf: 'Passkeys may not be able to protect the key here. Update the browser and the system.',
  indexeddb: 'The browser blocks storage: each visit needs a touch. Leave the private window.',
  webassembly:
    "Proofs need WebAssembly. The page's Content-Security-Policy has to allow 'wasm-unsafe-eval'.",
  workers: 'Without workers the page stands still for a moment while it proves.',
};

const REQUIRED: ReadonlySet<Capability> = new Set(['secure-context', 'webauthn', 'webassembly']);

/** The smallest WebAssembly module: its magic number and version. */
const EMPTY_MODULE = Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00);

const known = (value: boolean): CapabilityState => (value ? 'available' : 'unavailable');

async function ask(question: (() => Promise<boolean>) | undefined): Promise<CapabilityState> {
  if (question === undefined) return 'unknown';
  try {
    return known(await question());
  } catch {
    return 'unknown';
  }
}

function probeWebAssembly(): CapabilityState {
  try {
    // Compiles, since a Content-Security-Policy forbids that and not the object.
    return known(new WebAssembly.Module(EMPTY_MODULE) instanceof WebAssembly.Module);
  } catch {
    return 'unavailable';
  }
}

function probeIndexedDb(): Promise<CapabilityState> {
  return new Promise((resolve) => {
    try {
      const request = indexedDB.open('pzk-auth-probe');
      request.onerror = () => resolve('unavailable');
      request.onsuccess = () => {
        request.result.close();
        indexedDB.deleteDatabase('pzk-auth-probe');
        resolve('available');
      };
    } catch {
      resolve('unavailable');
    }
  });
}

/** PRF as the browser tells it (WebAuthn L3 section 5.1.8); the authenticator has the last word. */
async function probePrf(): Promise<CapabilityState> {
  if (typeof PublicKeyCredential !== 'function') return 'unavailable';
  if (typeof PublicKeyCredential.getClientCapabilities !== 'function') return 'unknown';
  try {
    const prf = (await PublicKeyCredential.getClientCapabilities())['extension:prf'];
    return prf === undefined ? 'unknown' : known(prf);
  } catch {
    return 'unknown';
  }
}

/** Finds out what this browser can do, without asking the user for anything. */
export async function probeSupport(): Promise<SupportReport> {
  const webauthn = typeof PublicKeyCredential === 'function';
  const credential = webauthn ? PublicKeyCredential : undefined;
  const states: readonly (readonly [Capability, CapabilityState])[] = [
    ['secure-context', known(globalThis.isSecureContext === true)],
    ['webauthn', known(webauthn)],
    [
      'platform-authenticator',
      await ask(credential && (() => credential.isUserVerifyingPlatformAuthenticatorAvailable())),
    ],
    [
      'conditional-mediation',
      await ask(
        typeof credential?.isConditionalMediationAvailable === 'function'
          ? () => credential.isConditionalMediationAvailable()
          : undefined,
      ),
    ],
    ['prf', await probePrf()],
    ['indexeddb', await probeIndexedDb()],
    ['webassembly', probeWebAssembly()],
    ['workers', known(typeof Worker === 'function')],
  ];
  const capabilities = states.map(([capability, state]) =>
    Object.freeze({
      capability,
      state,
      required: REQUIRED.has(capability),
      advice: state === 'available' ? '' : ADVICE[capability],
    }),
  );
  const supported = capabilities.every((one) => !one.required || one.state !== 'unavailable');
  return Object.freeze({ supported, capabilities: Object.freeze(capabilities) });
}
