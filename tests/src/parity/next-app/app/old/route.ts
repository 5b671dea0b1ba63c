import { answer } from '../../lib/answer';
import { oldRoute } from '../../lib/host';
import { pzk } from '../../lib/pzk';

export const GET = pzk.protect(oldRoute, (_, { session }) =>
  answer({ kind: session.kind, scopes: session.scopes }),
);
