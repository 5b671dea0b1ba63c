import { once } from 'node:events';
import { createServer, connect as dial } from 'node:net';

/** Stands before a PostgreSQL server, as a network that may swallow what is on its connections. */
export async function startSilentNetwork(url: string) {
  const { hostname, port } = new URL(url);
  let era = 0;
  const server = createServer((client) => {
    const own = era;
    const upstream = dial(Number(port), hostname);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      from.on('error', () => {});
      from.on('data', (data) => {
        if (own === era) to.write(data);
      });
      from.once('close', () => to.destroy());
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const front = new URL(url);
  front.port = String(address.port);
  return {
    url: front.href,
    /** From now on the connections that are there stay open and carry nothing; new ones do. */
    swallow: () => {
      era++;
    },
    stop: () => server.close(),
  };
}
