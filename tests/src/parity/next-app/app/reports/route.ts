import { answer } from '../../lib/answer';
import { pzk } from '../../lib/pzk';

export const POST = pzk.protect(
  { scope: 'weather:write', maxAge: 600 },
  async (request, { session }) => {
    const { length: size } = await request.text();
    return answer({ account: session.account, size }, 201);
  },
);
