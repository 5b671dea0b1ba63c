import type { ApiKeyCaller } from '@pzk-auth/verifier';

declare module './pzk-auth.js' {
  interface PzkCallers {
    apiKey: ApiKeyCaller;
  }
}

export type { ApiKeyCaller };
