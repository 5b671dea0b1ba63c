import { formatIfMatch, PzkError, parseJson, parseMessage } from '@pzk-auth/protocol';
import { problemError } from '../transport/problem.js';
import { readText } from '../transport/read-text.js';

const MAXIMUM_ANSWER_BYTES = 256 * 1024;
/** An exchange that takes longer has failed. Milliseconds. */
const TIMEOUT_MS = 30_000;

/** A schema of `@pzk-auth/protocol`. */
type Schema<T> = Parameters<typeof parseMessage<T>>[0];

/** Options of a request. */
export interface AccountRequestOptions {
  /** Entity tag without quotes: the state of the vault that a write follows. */
  readonly ifMatch?: string;
  /** Bytes of the answer. Default 256 KiB. */
  readonly maximumBytes?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Speaks with the endpoints for vault and agents that stand on an access token (docs/protocol.md
 * section 10.15).
 */
export interface AccountApi {
  /**
   * To be called before a touch that would be in vain without a session.
   *
   * @throws PzkError `not_signed_in`
   */
  assertSignedIn(): void;
  /**
   * @throws PzkError the server's code, `not_signed_in`, `network_error`, `unexpected_response`, `aborted`
   */
  post<T>(
    path: string,
    body: object,
    schema: Schema<T>,
    options?: AccountRequestOptions,
  ): Promise<T>;
  /** Posts where the answer has no body. */
  postVoid(path: string, body: object, options?: AccountRequestOptions): Promise<void>;
}

/**
 * @param protectedFetch - With the token and a DPoP proof.
 * @param assertSignedIn - As in {@link AccountApi}.
 */
export function createAccountApi(
  baseUrl: string,
  protectedFetch: typeof fetch,
  assertSignedIn: () => void,
): AccountApi {
  async function send(
    path: string,
    body: object,
    { ifMatch, signal }: AccountRequestOptions,
  ): Promise<Response> {
    const timeout = AbortSignal.timeout(TIMEOUT_MS);
    const response = await protectedFetch(baseUrl + path, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, application/problem+json',
        ...(ifMatch === undefined ? {} : { 'if-match': formatIfMatch(ifMatch) }),
      },
      body: JSON.stringify(body),
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      cache: 'no-store',
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
    });
    if (!response.ok) throw await problemError(response);
    return response;
  }

  async function readAnswer(response: Response, maximum: number): Promise<string> {
    let text: string | undefined;
    try {
      text = await readText(response, maximum);
    } catch (cause) {
      throw new PzkError('network_error', 'The answer of the server broke off.', { cause });
    }
    if (text !== undefined) return text;
    throw new PzkError('unexpected_response', 'The answer of the server is too long.');
  }

  return {
    assertSignedIn,
    async post(path, body, schema, options = {}) {
      const response = await send(path, body, options);
      const text = await readAnswer(response, options.maximumBytes ?? MAXIMUM_ANSWER_BYTES);
      try {
        return parseMessage(schema, parseJson(text));
      } catch (cause) {
        throw new PzkError('unexpected_response', 'The answer of the server is malformed.', {
          cause,
        });
      }
    },
    async postVoid(path, body, options = {}) {
      await (await send(path, body, options)).body?.cancel();
    },
  };
}
