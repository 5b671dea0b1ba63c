import {
  type Problem,
  PzkError,
  parseJson,
  parseMessage,
  problemSchema,
  problemToError,
} from '@pzk-auth/protocol';
import { readText } from './read-text.js';

const MAXIMUM_PROBLEM_BYTES = 16 * 1024;
const AUTHENTICATE_ERROR = /(?:^|[\s,])error="([a-z_]{1,64})"/;

/** Reads problem details (RFC 9457); `undefined` if the answer holds none that we know. */
export async function readProblem(response: Response): Promise<Problem | undefined> {
  if (!response.headers.get('content-type')?.startsWith('application/problem+json')) {
    return undefined;
  }
  try {
    const text = await readText(response, MAXIMUM_PROBLEM_BYTES);
    if (text === undefined) return undefined;
    return parseMessage(problemSchema, parseJson(text));
  } catch {
    return undefined;
  }
}

/**
 * The error that an answer names: in `WWW-Authenticate` (RFC 6750 section 3), else in its problem
 * details, as browsers hide the header from other origins unless it is exposed. The body stays
 * readable.
 */
export async function readErrorCode(response: Response): Promise<string | undefined> {
  const header = response.headers.get('www-authenticate');
  const named = header === null ? undefined : AUTHENTICATE_ERROR.exec(header)?.[1];
  return named ?? (await readProblem(response.clone()))?.code;
}

/** Turns an answer that is no success into an error. Its words are ours, never the server's. */
export async function problemError(response: Response): Promise<PzkError> {
  const problem = await readProblem(response);
  if (problem === undefined) {
    const asked = response.url === '' ? '' : ` to ${response.url}`;
    return new PzkError('unexpected_response', `The server answered ${response.status}${asked}.`, {
      hint: 'No endpoint of PZK-Auth is there: baseUrl of the client (default: issuer and /pzk), basePath of the server and the path of routes() have to agree.',
    });
  }
  return problemToError(problem);
}
