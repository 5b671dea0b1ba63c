/** What the authenticator shows beside a passkey of this platform. */
export const PASSKEY_USER = { name: 'Errand', displayName: 'Errand' } as const;
