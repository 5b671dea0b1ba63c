import { ISSUER } from './host.js';
import type { Peer } from './peer.js';
import type { RawAnswer, RawRequest } from './raw-http.js';

/** One exchange that has to end alike on each host. */
export interface ParityCase {
  readonly name: string;
  readonly status: number;
  /** `code` of the problem, for refusals of ours. */
  readonly code?: string;
  readonly run: (peer: Peer) => Promise<RawAnswer>;
}

export const JSON_TYPE = ['Content-Type', 'application/json'] as const;
export const FORM_TYPE = ['Content-Type', 'application/x-www-form-urlencoded'] as const;

/** A request that needs no state. */
export function plain(
  name: string,
  status: number,
  code: string | undefined,
  request: RawRequest,
): ParityCase {
  const run = (peer: Peer) => peer.send(request);
  return code === undefined ? { name, status, run } : { name, status, code, run };
}

export const get = (target: string, headers: RawRequest['headers'] = []): RawRequest => ({
  method: 'GET',
  target,
  headers,
});

export const post = (
  target: string,
  body: string,
  headers: RawRequest['headers'] = [JSON_TYPE],
): RawRequest => ({ method: 'POST', target, headers, body });

/** A protected call with honest credentials, changed. */
export function call(
  name: string,
  status: number,
  code: string | undefined,
  build: (peer: Peer) => Promise<RawRequest>,
): ParityCase {
  const run = async (peer: Peer) => peer.send(await build(peer));
  return code === undefined ? { name, status, run } : { name, status, code, run };
}

/** A call of an endpoint by token. */
export const byToken = (
  name: string,
  status: number,
  code: string | undefined,
  path: string,
  body: (peer: Peer) => unknown = () => ({}),
  headers: (peer: Peer) => readonly (readonly [string, string])[] = () => [],
): ParityCase =>
  call(name, status, code, async (peer) =>
    post(`/pzk${path}`, JSON.stringify(body(peer)), [
      JSON_TYPE,
      ...headers(peer),
      ...(await peer.credentials('POST', `/pzk${path}`)),
    ]),
  );

/** A call of an agent. */
export const byAgent = (
  name: string,
  status: number,
  code: string | undefined,
  path: string,
  body: (peer: Peer) => unknown,
  until?: string,
): ParityCase =>
  call(name, status, code, async (peer) => {
    const dpop = await peer.agent.sessionKey.dpop({ url: `${ISSUER}/pzk${path}` });
    const text = JSON.stringify(body(peer));
    const request = post(`/pzk${path}`, text, [JSON_TYPE, ['DPoP', dpop]]);
    return until === undefined ? request : { ...request, until };
  });
