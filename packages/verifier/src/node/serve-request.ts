import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Verifier } from '../create-verifier.js';
import type { HandleContext } from '../http/route.js';
import { sendResponse } from './send-response.js';
import { toWebRequest } from './web-request.js';

/** Answers a request to the endpoints of a verifier. */
export async function serveRequest(
  verifier: Pick<Verifier, 'handle'>,
  req: IncomingMessage,
  res: ServerResponse,
  context: HandleContext,
): Promise<void> {
  // Fetch forbids these methods, so no Web request can carry them.
  if (req.method === 'TRACE' || req.method === 'CONNECT') {
    res.statusCode = 405;
    res.end();
    return;
  }
  await sendResponse(await verifier.handle(toWebRequest(req), context), req, res);
}
