import { createOnce, pzkAuth } from '@pzk-auth/nextjs';
import { createVerifier, memoryStores } from '@pzk-auth/verifier';

/** Where the page is opened: issuer, audience and WebAuthn origin in one. */
export const origin = () => process.env.ORIGIN ?? 'http://localhost:3000';

export const scopes = ['weather:read'] as const;

// Once per process: pages, route handlers and the proxy are bundled apart, and reloads evaluate anew.
export const verifier = () =>
  createOnce('verifier', () =>
    createVerifier({
      issuer: origin(),
      audience: origin(),
      rpId: new URL(origin()).hostname,
      origins: [origin()],
      scopes,
      stores: memoryStores(),
      secret: process.env.PZK_SECRET,
      pageSessions: true,
    }),
  );

export const pzk = pzkAuth(verifier);
