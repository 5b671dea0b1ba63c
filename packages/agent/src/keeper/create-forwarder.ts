import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { PzkError } from '@pzk-auth/protocol';
import { sendProblem } from '../api/problem.js';
import {
  createAddressGuard,
  createGuardedLookup,
  parseAllowedAddresses,
  type Resolve,
  refuseAddress,
  systemResolve,
} from './address-guard.js';
import { type Allowance, releaseEnded } from './allowance.js';
import { assertForwardTarget } from './forward-target.js';
import { codeOf, hostError } from './host-error.js';
import type { KeeperTask } from './keeper-messages.js';
import { forwardedHeaders } from './request-headers.js';
import { assertPlainBody, assertRedirect, returnedHeaders } from './response-headers.js';
import { createScrubber } from './scrubber.js';
import { secretForms } from './secret-forms.js';

/** A call names the host that it is meant for; one that does not match is refused. */
export const HOST_HEADER = 'pzk-host';

/** Options of {@link createForwarder}. */
export interface ForwarderOptions {
  readonly task: KeeperTask;
  /** Injectable for tests of names that change; default: the system's resolver. */
  readonly resolve?: Resolve;
  readonly allowance: Allowance;
  /** Called when a call was counted, and when one has come to its end. */
  readonly onChange: () => void;
  /** Called when the host could not be reached or broke off, with the code of Node or OpenSSL. */
  readonly onHostFailed: (code: string) => void;
}

/** Sends calls of the agent to the approved host, with the secret in one header. */
export interface Forwarder {
  /** Calls under way. */
  readonly calls: number;
  /** Never rejects. */
  forward(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** Ends all connections. */
  close(): void;
}

/**
 * A host that reads no body behind these would take it for the next request of the connection, and what follows it for
 * the body of that: the next call with its secret.
 */
const BODILESS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Passes so many bytes on. */
function limitBytes(maximum: number, createError: () => PzkError): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes > maximum) done(createError());
      else done(null, chunk);
    },
  });
}

const tooLarge = () => new PzkError('body_too_large', 'The body of the call is too large.');
const answerTooLarge = () =>
  new PzkError('unexpected_response', 'The answer of the host is too large.');
const tooLong = () =>
  new PzkError('network_error', 'The call took longer than the broker allows.', {
    hint: 'The configuration of the broker says how long: `limits.callSeconds`.',
  });

/** @param secret - Kept; overwrite it when the forwarder is not used any more. */
export function createForwarder(secret: Buffer, options: ForwarderOptions): Forwarder {
  const { task, allowance, onChange, onHostFailed } = options;
  const { host, header, limits } = task;
  const [hostname = '', port = '443'] = host.split(':');
  const isAllowed = createAddressGuard(parseAllowedAddresses(task.allowedAddresses));
  const lookup = createGuardedLookup(options.resolve ?? systemResolve, isAllowed, host);
  const scrubber = createScrubber(secretForms(secret));
  const agent = new Agent({ keepAlive: true, maxSockets: limits.calls, scheduling: 'lifo' });
  // For a DELETE with a body, which some hosts want and others do not read: nothing follows it.
  const lastAgent = new Agent({ keepAlive: false });
  let calls = 0;
  let isClosed = false;

  /** The error for the agent; what the host or the network did is told to the broker. */
  function describe(error: unknown, { aborted, reason }: AbortSignal): PzkError {
    // The connection was taken down from here.
    if (isClosed) return releaseEnded();
    if (error instanceof PzkError) return error;
    if (reason instanceof PzkError) return reason;
    if (!aborted) onHostFailed(codeOf(error));
    return hostError(host, error);
  }

  /** Everything that can be judged before a use is taken. */
  function judge(request: IncomingMessage) {
    const { method = '', url = '' } = request;
    if (!task.methods.includes(method)) {
      throw new PzkError('host_refused', 'The release does not name this method.');
    }
    const meant = request.headers[HOST_HEADER];
    if (meant !== undefined && meant !== host) {
      throw new PzkError('host_refused', 'The release does not name this host.', {
        hint: 'Ask for a release for that host.',
      });
    }
    assertForwardTarget(url);
    const { headers, bodyBytes } = forwardedHeaders(request.rawHeaders, {
      ...{ host, header, allowed: task.requestHeaders },
    });
    if (bodyBytes !== undefined && bodyBytes > limits.requestBytes) throw tooLarge();
    if (bodyBytes !== 0 && BODILESS.has(method)) {
      throw new PzkError('invalid_request', `A call with ${method} has no body.`);
    }
    if (calls >= limits.calls) {
      throw new PzkError('too_many_requests', 'Too many calls are under way.');
    }
    return { method, url, headers, hasBody: bodyBytes !== 0 };
  }

  function dial(
    call: ReturnType<typeof judge>,
    request: IncomingMessage,
    signal: AbortSignal,
    onSent: () => void,
  ): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const outgoing = httpsRequest({
        agent: call.hasBody && call.method === 'DELETE' ? lastAgent : agent,
        hostname,
        port: Number(port),
        servername: hostname,
        method: call.method,
        path: call.url,
        headers: { ...call.headers, [header.name]: header.prefix + secret.toString('latin1') },
        lookup,
        minVersion: 'TLSv1.2',
        rejectUnauthorized: true,
        ...(task.ca === undefined ? {} : { ca: task.ca }),
        signal,
      });
      outgoing.setTimeout(limits.idleSeconds * 1000, () => {
        outgoing.destroy(new PzkError('network_error', 'The host did not answer in time.'));
      });
      outgoing.on('socket', (socket: Socket) => {
        // The lookup has judged it already; this holds whatever a socket was made with.
        const assertAddress = () => {
          if (socket.remoteAddress === undefined || !isAllowed(socket.remoteAddress)) {
            outgoing.destroy(refuseAddress(host));
          }
        };
        if (socket.connecting) {
          socket.once('connect', assertAddress);
          socket.once('secureConnect', onSent);
        } else {
          assertAddress();
          onSent();
        }
      });
      outgoing.on('response', resolve);
      // 101 and its socket: bytes that nobody searches.
      outgoing.on('upgrade', (_, socket) => {
        socket.destroy();
        reject(new PzkError('unexpected_response', 'The host left HTTP.'));
      });
      outgoing.on('error', reject);
      if (call.hasBody) {
        const limit = limitBytes(limits.requestBytes, tooLarge);
        limit.once('error', (error) => {
          outgoing.destroy();
          reject(error);
        });
        // No pipeline: it would take the connection of the agent down, and the answer with it.
        request.pipe(limit).pipe(outgoing);
      } else {
        outgoing.end();
      }
    });
  }

  async function answer(
    incoming: IncomingMessage,
    { url, response }: { readonly url: string; readonly response: ServerResponse },
  ): Promise<void> {
    try {
      assertRedirect(incoming, `https://${host}${url}`);
      assertPlainBody(incoming);
    } catch (error) {
      incoming.destroy();
      throw error;
    }
    // The reason phrase is free text of the host; ours is the usual one.
    response.writeHead(incoming.statusCode ?? 502, returnedHeaders(incoming.rawHeaders, scrubber));
    response.flushHeaders();
    const limit = limitBytes(limits.responseBytes, answerTooLarge);
    await pipeline(incoming, limit, scrubber.createStream(), response);
  }

  return {
    get calls() {
      return calls;
    },
    async forward(request, response) {
      const gone = new AbortController();
      const timer = setTimeout(() => gone.abort(tooLong()), limits.callSeconds * 1000);
      response.once('close', () => gone.abort());
      let isTaken = false;
      let isSent = false;
      try {
        const call = judge(request);
        allowance.take();
        isTaken = true;
        calls += 1;
        onChange();
        const incoming = await dial(call, request, gone.signal, () => {
          isSent = true;
        });
        await answer(incoming, { url: call.url, response });
      } catch (error) {
        sendProblem(response, describe(error, gone.signal));
      } finally {
        clearTimeout(timer);
        if (isTaken) {
          calls -= 1;
          if (!isSent) allowance.giveBack();
          onChange();
        }
      }
    },
    close() {
      isClosed = true;
      agent.destroy();
      lastAgent.destroy();
    },
  };
}
