import { pzk } from '../../../lib/pzk';
import { listReadings } from '../../../lib/weather';

export const GET = pzk.protect({ scope: 'weather:read' }, async (_request, { session }) =>
  Response.json({ for: session.account, readings: listReadings() }),
);
