import { request } from 'node:http';

/** A request as it goes over the wire: nothing is added but Host, and Content-Length where there is a body. */
export interface RawRequest {
  readonly method: string;
  /** The request target, as it is. */
  readonly target: string;
  /** In order; a name may occur twice. */
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: string | Uint8Array;
  /** Leaves as soon as the body begins with this, for an answer that goes on. */
  readonly until?: string;
}

/** An answer. */
export interface RawAnswer {
  readonly status: number;
  /** Lower-case names, sorted; without what belongs to the connection. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Headers of the connection and of the clock, which a host adds by itself. */
const CONNECTION = new Set([
  'connection',
  'content-length',
  'date',
  'keep-alive',
  'transfer-encoding',
]);

function readHeaders(raw: readonly string[]): Record<string, string> {
  const headers = new Map<string, string>();
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index]?.toLowerCase() ?? '';
    if (CONNECTION.has(name)) continue;
    const value = raw[index + 1] ?? '';
    const known = headers.get(name);
    headers.set(name, known === undefined ? value : `${known} || ${value}`);
  }
  return Object.fromEntries([...headers].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Sends a request on a connection of its own. */
export function sendRaw(port: number, raw: RawRequest): Promise<RawAnswer> {
  const { method, target, headers = [], body, until } = raw;
  const names = headers.map(([name]) => name.toLowerCase());
  const own: string[] = [];
  if (!names.includes('host')) own.push('Host', 'api.example.com');
  if (
    body !== undefined &&
    !names.some((name) => /^(content-length|transfer-encoding)$/.test(name))
  ) {
    own.push('Content-Length', String(Buffer.byteLength(body)));
  }
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: '127.0.0.1',
        port,
        method,
        path: target,
        agent: false,
        headers: [...own, ...headers.flat()],
        setHost: false,
      },
      (incoming) => {
        const chunks: Uint8Array[] = [];
        const text = () => Buffer.concat(chunks).toString('utf8');
        const answer = (read: string) =>
          resolve({
            status: incoming.statusCode ?? 0,
            headers: readHeaders(incoming.rawHeaders),
            body: read,
          });
        incoming.on('data', (chunk: Uint8Array) => {
          chunks.push(chunk);
          if (until === undefined || !text().startsWith(until)) return;
          answer(until);
          outgoing.destroy();
        });
        incoming.on('end', () => answer(text()));
        incoming.on('error', reject);
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
