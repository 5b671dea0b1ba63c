import { answer } from '../../../../lib/answer';
import { pzk } from '../../../../lib/pzk';

export const GET = pzk.protect<{ city: string }>(
  { scope: 'weather:read' },
  async (_, { session, params }) => {
    const { city } = await params;
    return answer({ account: session.account, city: decodeURIComponent(city) });
  },
);
