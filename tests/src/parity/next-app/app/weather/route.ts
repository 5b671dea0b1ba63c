import { answer } from '../../lib/answer';
import { pzk } from '../../lib/pzk';

export const GET = pzk.protect({ scope: 'weather:read', cors: true }, (_, { session }) =>
  answer({ account: session.account, scopes: session.scopes }),
);
export const OPTIONS = pzk.preflight;
