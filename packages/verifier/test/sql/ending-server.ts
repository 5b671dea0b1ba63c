import { once } from 'node:events';
import { createServer, connect as dial } from 'node:net';

/** A message of PostgreSQL's protocol: a letter, the length, the content. */
function message(type: string, content: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(content.length + 4);
  return Buffer.concat([Buffer.from(type), length, Buffer.from(content)]);
}

/** "You are in", "ready" and "I am ending", which may arrive as one packet. */
const BEGIN_AND_END = Buffer.concat([
  message('R', '\0\0\0\0'),
  message('Z', 'I'),
  message('E', 'SFATAL\0VFATAL\0C57P01\0Mterminating connection\0\0'),
]);

/** Stands before a PostgreSQL server and ends the first connections as soon as they begin. */
export async function startEndingServer(url: string, ended: number) {
  const { hostname, port } = new URL(url);
  let left = ended;
  const server = createServer((client) => {
    client.on('error', () => {});
    if (left-- > 0) {
      client.once('data', () => client.end(BEGIN_AND_END));
      return;
    }
    const upstream = dial(Number(port), hostname);
    upstream.on('error', () => client.destroy());
    client.pipe(upstream).pipe(client);
    client.once('close', () => upstream.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const front = new URL(url);
  front.port = String(address.port);
  return { url: front.href, stop: () => server.close() };
}
