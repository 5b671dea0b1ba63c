// A small proxy in front of the API: round robin, and the next instance where one does not take the
// connection. A request that was sent is never sent again.
import { Agent, createServer, request } from 'node:http';

/**
 * Starts the proxy. `instances` are `host:port`. In production this is nginx, HAProxy, a service of
 * Kubernetes or a load balancer.
 */
export function startProxy({ port, host = '127.0.0.1', instances }) {
  const agent = new Agent({ keepAlive: false });
  let turn = 0;

  function forward(incoming, outgoing, body, left) {
    if (left === 0) return refuse(outgoing, 503);
    const target = instances[turn++ % instances.length];
    const [hostname, targetPort] = target.split(':');
    let connected = false;
    const upstream = request(
      {
        agent,
        hostname,
        port: Number(targetPort),
        method: incoming.method,
        path: incoming.url,
        headers: { ...incoming.headers, 'x-forwarded-for': incoming.socket.remoteAddress },
      },
      (answer) => {
        outgoing.writeHead(answer.statusCode, answer.headers);
        answer.on('error', () => outgoing.destroy());
        answer.pipe(outgoing);
      },
    );
    upstream.once('socket', (socket) => {
      socket.once('connect', () => {
        connected = true;
      });
    });
    upstream.once('error', () => {
      if (outgoing.headersSent) outgoing.destroy();
      // Nothing was sent: another instance may take it.
      else if (!connected) forward(incoming, outgoing, body, left - 1);
      // Whether it was executed is not known.
      else refuse(outgoing, 502);
    });
    upstream.end(body);
  }

  function refuse(outgoing, status) {
    outgoing.writeHead(status, { 'retry-after': '1', 'cache-control': 'no-store' }).end();
  }

  const server = createServer(async (incoming, outgoing) => {
    try {
      const chunks = [];
      let size = 0;
      for await (const chunk of incoming) {
        size += chunk.length;
        if (size > 128 * 1024) return refuse(outgoing, 413);
        chunks.push(chunk);
      }
      forward(incoming, outgoing, Buffer.concat(chunks), instances.length);
    } catch {
      outgoing.destroy();
    }
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () =>
      resolve({
        stop: () => {
          agent.destroy();
          server.closeAllConnections();
          server.close();
        },
      }),
    );
  });
}

// On its own, as compose.yaml does: PORT, HOST and INSTANCES.
if (process.argv[1] === import.meta.filename) {
  const { PORT, HOST, INSTANCES } = process.env;
  await startProxy({ port: Number(PORT), host: HOST, instances: INSTANCES.split(',') });
}
