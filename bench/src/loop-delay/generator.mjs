// A process that keeps a number of exchanges in flight, each with a nonce and a proof of its own.
import { SCOPE } from '../lib/bench-issuer.mjs';
import { readStart, serveParent } from '../lib/child.mjs';
import { exchange } from '../lib/exchange.mjs';
import { HttpConnection } from '../lib/http-connection.mjs';
import { createDpopSigner, createSessionJwk } from '../lib/session-key.mjs';
import { restoreTrapdoorKey } from '../lib/trapdoor-key.mjs';

const { port, commitment, secrets, connections: count } = readStart();
const prover = { port, commitment, scope: SCOPE, trapdoor: await restoreTrapdoorKey(secrets) };
const clients = Array.from({ length: count }, () => ({
  connection: new HttpConnection(port),
  signer: createDpopSigner(createSessionJwk()),
}));

serveParent({}, async ({ seconds }) => {
  const end = performance.now() + 1000 * seconds;
  let tokens = 0;
  let refused = 0;
  await Promise.all(
    clients.map(async ({ connection, signer }) => {
      while (performance.now() < end) {
        const { status } = await exchange(connection, prover, signer);
        if (status === 200) tokens++;
        else refused++;
      }
    }),
  );
  return { tokens, refused };
});
