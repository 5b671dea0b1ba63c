import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Where the system takes no ports from for outgoing connections (on Linux from 32,768 up, elsewhere above). */
const [FIRST, LAST] = [10_000, 32_000];

/** Whoever was given one may not listen yet, and another asks meanwhile. */
const given = new Set<number>();

/**
 * A free port of the loopback for a server that a test starts, and starts anew: no connection takes it
 * before or in between.
 *
 * @param beside - Another one that has to be free, so many above it.
 */
export async function freePort(beside = 0): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST, LAST - beside);
    const wanted = beside === 0 ? [port] : [port, port + beside];
    if (wanted.some((one) => given.has(one))) continue;
    for (const one of wanted) given.add(one);
    const free = await Promise.all(wanted.map(canListen));
    if (free.every(Boolean)) return port;
  }
}

async function canListen(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
