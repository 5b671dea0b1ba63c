import { once } from 'node:events';
import { createServer, connect as dial, type Socket } from 'node:net';

/** A network between a client and a server that can lose answers. */
export interface CuttingProxy {
  readonly port: number;
  /** From now on a connection breaks at the first answer, after the server has executed. */
  loseAnswers(lose: boolean): void;
  stop(): Promise<void>;
}

/** Starts a proxy on a port of the loopback. */
export async function startCuttingProxy(target: number): Promise<CuttingProxy> {
  const sockets = new Set<Socket>();
  let losing = false;
  const server = createServer((client) => {
    const upstream = dial(target, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.once('close', () => sockets.delete(socket));
    }
    client.pipe(upstream);
    client.once('close', () => upstream.destroy());
    upstream.once('close', () => client.destroy());
    upstream.on('data', (data) => {
      if (losing) client.destroy();
      else client.write(data);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    loseAnswers: (lose) => {
      losing = lose;
    },
    stop: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}
