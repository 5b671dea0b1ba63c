// A process with one Express route: bare, behind the peer, or behind `protect()`.
import { pzkAuth } from '@pzk-auth/express';
import { createGroth16ProofSystem, hashVerificationKey } from '@pzk-auth/verifier';
import express from 'express';
import bearer from 'express-oauth2-jwt-bearer';
import { listen, SCOPE, startBenchIssuer } from '../lib/bench-issuer.mjs';
import { readStart, serveParent } from '../lib/child.mjs';

const start = readStart();

/** @returns {Promise<object>} what the parent has to know */
async function startServer() {
  switch (start.kind) {
    case 'bare': {
      const app = express();
      app.get('/weather', (_req, res) => void res.json({ for: 'anybody at all, 22 long' }));
      return { port: await listen(app) };
    }
    case 'peer': {
      const app = express();
      const port = await listen(app);
      app.get(
        '/weather',
        bearer.auth({
          issuer: start.issuer,
          audience: start.issuer,
          publicKey: start.publicJwk,
          dpop: { required: true },
        }),
        bearer.requiredScopes(SCOPE),
        (req, res) => void res.json({ for: req.auth?.payload.sub }),
      );
      return { port };
    }
    default: {
      const { verificationKey } = start;
      const { app, port, verifier, commitment } = await startBenchIssuer(
        createGroth16ProofSystem({
          circuitId: 'ownership/v1',
          verificationKey,
          trustedKeyHashes: [hashVerificationKey(verificationKey)],
          workers: 1,
        }),
      );
      const pzk = pzkAuth(verifier);
      app.use('/pzk', pzk.routes());
      app.get(
        '/weather',
        pzk.protect({ scope: SCOPE }),
        (req, res) => void res.json({ for: req.pzk.account }),
      );
      app.use(pzk.errors());
      return { port, commitment };
    }
  }
}

serveParent(await startServer(), () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
});
