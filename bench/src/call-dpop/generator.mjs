// A process that calls a route. Each call carries a DPoP proof of its own, made before the clock runs.
import { readStart, serveParent } from '../lib/child.mjs';
import { formatRequest, HttpConnection } from '../lib/http-connection.mjs';
import { createDpopSigner } from '../lib/session-key.mjs';

/** @type {{ port: number, connections: number, sessions: readonly { jwk: import('../lib/session-key.mjs').SessionJwk, token: string }[] }} */
const { port, connections: connectionCount, sessions } = readStart();

const url = `http://localhost:${port}/weather`;
const clients = sessions.map(({ jwk, token }) => ({ token, signer: createDpopSigner(jwk) }));
const connections = Array.from({ length: connectionCount }, () => new HttpConnection(port));

/** @param {number} index */
function createRequest(index) {
  const client = clients[index % clients.length];
  if (client === undefined) throw new Error('There are no sessions.');
  const { token, signer } = client;
  return formatRequest({
    method: 'GET',
    port,
    path: '/weather',
    headers: {
      authorization: `DPoP ${token}`,
      dpop: signer.prove({ method: 'GET', url, accessToken: token }),
      accept: 'application/json',
    },
  });
}

serveParent({}, async ({ calls }) => {
  const requests = Array.from({ length: calls }, (_, index) => createRequest(index));
  const start = performance.now();
  let next = 0;
  await Promise.all(
    connections.map(async (connection) => {
      for (let index = next++; index < calls; index = next++) {
        const { status, body } = await connection.send(requests[index] ?? '');
        if (status !== 200) throw new Error(`The route answered ${status}: ${body}`);
      }
    }),
  );
  return performance.now() - start;
});
