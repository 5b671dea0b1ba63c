import { randomBytes } from 'node:crypto';
import { ownershipV1 } from '@pzk-auth/circuits';
import { createVerifier, memoryStores } from '@pzk-auth/verifier';
import express from 'express';

/** The scope of every route and key in a bench. */
export const SCOPE = 'weather:read';

/**
 * Listens on a free port of localhost.
 *
 * @param {import('express').Express} app
 * @returns {Promise<number>}
 */
export function listen(app) {
  return new Promise((resolve, reject) => {
    const server = app.listen(0, '127.0.0.1', (error) => {
      if (error) return reject(error);
      const address = server.address();
      resolve(address === null || typeof address === 'string' ? 0 : address.port);
    });
    // A connection may wait while another contender has its turn.
    server.keepAliveTimeout = 600_000;
  });
}

/**
 * An application that listens, and an issuer for it that accepts the proofs of one proof system.
 *
 * @param {import('@pzk-auth/verifier').ProofSystem} proofSystem
 */
export async function startBenchIssuer(proofSystem) {
  const app = express();
  const port = await listen(app);
  const issuer = `http://localhost:${port}`;
  const verifier = createVerifier({
    issuer,
    audience: issuer,
    rpId: 'localhost',
    origins: [issuer],
    scopes: [SCOPE],
    // Of one call after the other at full speed more is alive at once than the default holds.
    stores: memoryStores({ maxEntries: 5_000_000 }),
    circuits: [
      {
        proofSystem,
        manifest: { ...ownershipV1, setup: 'development' },
        readProver: () => Promise.reject(new Error('There is no prover for a trapdoor key.')),
      },
    ],
  });
  await verifier.ready();
  const commitment = BigInt(`0x${randomBytes(31).toString('hex')}`).toString();
  await verifier.keys.register({ commitment, scopes: [SCOPE], demands: 'none' });
  return { app, port, verifier, commitment };
}
