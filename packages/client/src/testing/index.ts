export {
  type AuthenticatorTampering,
  createSoftwareAuthenticator,
  type SoftwareAuthenticator,
  type SoftwareAuthenticatorBehaviour,
  type SoftwareAuthenticatorOptions,
  type SoftwareCredential,
} from './software-authenticator.js';
export type { SoftwarePrf } from './software-prf.js';
