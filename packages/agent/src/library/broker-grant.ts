import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { PzkError } from '@pzk-auth/protocol';
import type { GrantSnapshot } from '../api/local-api.js';
import { HOST_HEADER } from '../keeper/create-forwarder.js';
import type { UnixClient } from './unix-request.js';

const WAIT_SECONDS = 25;
/** Until the broker knows what has ended an answer. */
const SETTLE_SECONDS = 1;
const NO_BODY = new Set([101, 204, 205, 304]);

/** What the user was asked for, and what came of it. */
export interface BrokerGrant {
  /** Opaque; finds the grant again (`broker.grant(id)`). Whoever has it and the socket can use it. */
  readonly id: string;
  /** As of the last answer of the broker. */
  readonly snapshot: GrantSnapshot;
  /**
   * Waits for the user.
   *
   * @throws PzkError `release_rejected` (its `cause.message` is the user's reason), `release_invalid`,
   * `vault_identity_changed`, `release_ended`, `broker_unavailable`, `aborted`
   */
  approved(options?: { readonly signal?: AbortSignal }): Promise<this>;
  /** The state now, and each change until the grant is over. */
  events(options?: { readonly signal?: AbortSignal }): AsyncGenerator<GrantSnapshot>;
  /**
   * Like `fetch`, for URLs of the approved host: the broker adds the secret. Bodies stream both ways.
   * It follows no redirect, keeps no cookies, and asks for no compression. What the host answers is an
   * answer, whatever its status; what the broker refuses is an error. A body that breaks off ends with
   * one, too: `release_ended` where the release is over, else `network_error`.
   *
   * @throws PzkError `host_refused`, `release_ended`, `release_invalid`, `release_rejected`,
   * `too_many_requests`, `body_too_large`, `network_error`, `unexpected_response`,
   * `broker_unavailable`, `aborted`
   */
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>;
  /** Takes the request back, or ends the release: the broker wipes the secret. */
  end(): Promise<void>;
}

function outcomeError({ status, reason, code }: GrantSnapshot): PzkError {
  switch (status) {
    case 'rejected':
      return new PzkError('release_rejected', 'The user rejected the request.', {
        cause: new Error(reason ?? ''),
      });
    case 'cancelled':
      return new PzkError('release_rejected', 'The request was cancelled.');
    case 'expired':
      return new PzkError('release_rejected', 'Nobody answered the request in time.');
    case 'failed':
      return new PzkError(code ?? 'release_invalid', 'The release could not be used.');
    default:
      return new PzkError('release_ended', 'The release is over.');
  }
}

/** The body as it comes; where it breaks off, it ends with the error that says why. */
function streamBody(
  incoming: IncomingMessage,
  explain: (cause: unknown) => Promise<PzkError>,
): ReadableStream {
  const reader = (Readable.toWeb(incoming) as ReadableStream<Uint8Array>).getReader();
  return new ReadableStream(
    {
      async pull(controller) {
        const piece = await reader.read().catch(async (cause) => {
          throw await explain(cause);
        });
        if (piece.done) controller.close();
        else controller.enqueue(piece.value);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    // The host is read as fast as the agent reads.
    { highWaterMark: 0 },
  );
}

function toResponse(
  incoming: IncomingMessage,
  explain: (cause: unknown) => Promise<PzkError>,
): Response {
  const headers = new Headers();
  for (let index = 0; index < incoming.rawHeaders.length; index += 2) {
    headers.append(incoming.rawHeaders[index] ?? '', incoming.rawHeaders[index + 1] ?? '');
  }
  const status = incoming.statusCode ?? 502;
  const init = { status, statusText: incoming.statusMessage ?? '', headers };
  if (NO_BODY.has(status)) {
    incoming.resume();
    return new Response(null, init);
  }
  return new Response(streamBody(incoming, explain), init);
}

/** Made by the connection. */
export function createBrokerGrant(client: UnixClient, first: GrantSnapshot): BrokerGrant {
  const { id, host } = first;
  const path = `/grants/${id}`;
  let snapshot = first;

  async function* events({ signal }: { readonly signal?: AbortSignal } = {}) {
    snapshot = (await client.call('GET', path, undefined, signal)) as GrantSnapshot;
    yield snapshot;
    while (snapshot.status === 'waiting' || snapshot.status === 'released') {
      const query = `wait=${WAIT_SECONDS}&version=${snapshot.version}`;
      const next = (await client.call(
        'GET',
        `${path}?${query}`,
        undefined,
        signal,
      )) as GrantSnapshot;
      const isNews = next.version > snapshot.version;
      snapshot = next;
      if (isNews) yield snapshot;
    }
  }

  /** The broker may hear that the host broke off before it hears that the release is over. */
  async function isOver(): Promise<boolean> {
    snapshot = (await client.call('GET', path)) as GrantSnapshot;
    for (let version = -1; snapshot.status === 'released' && snapshot.version > version; ) {
      ({ version } = snapshot);
      const query = `wait=${SETTLE_SECONDS}&version=${version}`;
      snapshot = (await client.call('GET', `${path}?${query}`)) as GrantSnapshot;
    }
    return snapshot.status !== 'released';
  }

  /** Why an answer broke off in the middle. */
  async function explainBreak(cause: unknown, signal: AbortSignal): Promise<PzkError> {
    if (signal.aborted) return new PzkError('aborted', 'The operation was aborted.', { cause });
    try {
      if (await isOver()) return outcomeError(snapshot);
    } catch (error) {
      return error as PzkError;
    }
    return new PzkError('network_error', 'The answer of the host broke off.', { cause });
  }

  return {
    id,
    get snapshot() {
      return snapshot;
    },
    async approved(options) {
      for await (const { status } of events(options)) {
        if (status === 'released') return this;
      }
      throw outcomeError(snapshot);
    },
    events,
    async fetch(input, init) {
      const request = new Request(input, {
        ...init,
        ...(init?.body instanceof ReadableStream ? { duplex: 'half' } : {}),
      } as RequestInit);
      const url = new URL(request.url);
      if (url.protocol !== 'https:' || url.host !== host) {
        throw new PzkError('host_refused', 'The release does not name this host.', {
          hint: 'Ask for a release for that host.',
        });
      }
      const headers: string[] = [HOST_HEADER, host];
      for (const [name, value] of request.headers) headers.push(name, value);
      // A body whose length is known goes with it: not every host takes chunks.
      const isStream = init?.body instanceof ReadableStream || input instanceof Request;
      let body: Readable | Uint8Array | undefined;
      if (request.body !== null) {
        if (isStream) {
          body = Readable.fromWeb(request.body as Parameters<typeof Readable.fromWeb>[0]);
          headers.push('transfer-encoding', 'chunked');
        } else {
          body = new Uint8Array(await request.arrayBuffer());
          headers.push('content-length', String(body.length));
        }
      } else if (['POST', 'PUT', 'PATCH'].includes(request.method)) {
        headers.push('content-length', '0');
      }
      const target = `${path}/forward${url.pathname}${url.search}`;
      const { method, signal } = request;
      const incoming = await client.send({ method, path: target, headers, body, signal });
      return toResponse(incoming, (cause) => explainBreak(cause, signal));
    },
    async end() {
      snapshot = (await client.call('DELETE', path)) as GrantSnapshot;
    },
  };
}
