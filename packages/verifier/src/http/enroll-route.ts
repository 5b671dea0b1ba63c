import { limits } from '@pzk-auth/protocol';
import { enrollDevice } from '../exchange/enroll.js';
import { joinByInvitation } from '../vault/join-by-invitation.js';
import { enrollByRecovery } from '../vault/recovery.js';
import { assertNoPrfResults } from './prf-results.js';
import { readJsonOfKind } from './read-body.js';
import { json, type Route } from './route.js';

const has = (body: unknown, member: string): boolean =>
  typeof body === 'object' && body !== null && Object.hasOwn(body, member);

/** `POST {base}/enroll`, in each of its forms: by proof, by invitation, by recovery code. */
export const enrollRoute: Route = {
  name: '/enroll',
  method: 'POST',
  place: 'endpoint',
  run: async (engine, request, context) => {
    const body = await readJsonOfKind(request, limits.vaultBodyBytes, (sent) =>
      has(sent, 'recovery_key') ? limits.vaultBodyBytes : limits.enrollBodyBytes,
    );
    const raw = body as { registration?: unknown; assertion?: unknown } | null;
    assertNoPrfResults(raw?.registration, raw?.assertion);
    if (has(body, 'recovery_key')) {
      return json(await enrollByRecovery(engine, request, context, body), 201);
    }
    if (has(body, 'invitation')) {
      return json(await joinByInvitation(engine, request, context, body), 202);
    }
    return json(await enrollDevice(engine, request, context, body), 201);
  },
};
