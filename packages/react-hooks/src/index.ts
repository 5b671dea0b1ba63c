'use client';

// What the hooks take and give, so that an application need not depend on the client as well.
export {
  type ActiveSession,
  type CapabilityReport,
  type Client,
  type ClientOptions,
  type EnrollOptions,
  type EnrollState,
  isPzkError,
  type PzkError,
  type PzkErrorCode,
  type SessionState,
  type SessionStep,
  type StartOptions,
} from '@pzk-auth/client';
export { PzkProvider, type PzkProviderProps } from './pzk-provider.js';
export { type EnrollActions, type UseEnroll, useEnroll } from './use-enroll.js';
export { type UsePasskeySupport, usePasskeySupport } from './use-passkey-support.js';
export { usePzkFetch } from './use-pzk-fetch.js';
export { type SessionActions, type UseSession, useSession } from './use-session.js';
