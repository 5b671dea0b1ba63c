'use client';

export { PzkProvider, type PzkProviderProps } from './pzk-provider.js';
export { type EnrollActions, type UseEnroll, useEnroll } from './use-enroll.js';
export { type UsePasskeySupport, usePasskeySupport } from './use-passkey-support.js';
export { usePzkFetch } from './use-pzk-fetch.js';
export { type SessionActions, type UseSession, useSession } from './use-session.js';
