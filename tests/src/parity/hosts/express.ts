import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pzkAuth } from '@pzk-auth/express';
import { createVerifier, memoryStores, type PzkCaller } from '@pzk-auth/verifier';
import express from 'express';
import { type Host, oldRoute, verifierOptions } from '../host.js';

export const expressHost: Host = {
  name: 'Express',
  async start(commitments) {
    const verifier = createVerifier({ ...verifierOptions, stores: memoryStores() });
    for (const commitment of commitments) {
      await verifier.keys.register({ commitment, scopes: verifierOptions.scopes });
    }
    const pzk = pzkAuth(verifier);
    const app = express();
    app.disable('x-powered-by');
    app.disable('etag');
    app.use(pzk.wellKnown());
    app.use('/pzk', pzk.routes());
    app.use('/weather', pzk.cors());
    app.get('/weather', pzk.protect({ scope: 'weather:read' }), (req, res) => {
      res.json({ account: req.pzk.account, scopes: req.pzk.scopes });
    });
    app.get('/v1/weather/:city', pzk.protect({ scope: 'weather:read' }), (req, res) => {
      res.json({ account: req.pzk.account, city: req.params.city });
    });
    app.get('/any', pzk.protect(), (req, res) => {
      res.json({ account: req.pzk.account, scopes: req.pzk.scopes });
    });
    app.post(
      '/reports',
      pzk.protect({ scope: 'weather:write', maxAge: 600 }),
      express.text({ type: '*/*' }),
      (req, res) => {
        res.status(201).json({ account: req.pzk.account, size: String(req.body).length });
      },
    );
    // Typed by hand: the types of '@pzk-auth/express/api-keys' would be those of every route.
    app.get('/old', pzk.protect(oldRoute as object), (req, res) => {
      const { kind, scopes } = req.pzk as PzkCaller;
      res.json({ kind, scopes });
    });
    app.use('/health', pzk.health());
    app.get('/open', (_req, res) => {
      res.json({ open: true });
    });
    app.use(pzk.errors());
    const server = createServer(app);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return {
      port: (server.address() as AddressInfo).port,
      async close() {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
        await verifier.close();
      },
    };
  },
};
