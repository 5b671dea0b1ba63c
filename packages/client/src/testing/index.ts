export {
  createTestClient,
  type TestClient,
  type TestClientOptions,
} from './create-test-client.js';
export { type MintTestSessionOptions, mintTestSession } from './mint-test-session.js';
export {
  type AuthenticatorTampering,
  createSoftwareAuthenticator,
  type SoftwareAuthenticator,
  type SoftwareAuthenticatorBehaviour,
  type SoftwareAuthenticatorOptions,
  type SoftwareCredential,
} from './software-authenticator.js';
export type { SoftwarePrf } from './software-prf.js';
