import { answer } from '../../lib/answer';
import { pzk } from '../../lib/pzk';

export const GET = pzk.protect({}, (_, { session }) =>
  answer({ account: session.account, scopes: session.scopes }),
);
