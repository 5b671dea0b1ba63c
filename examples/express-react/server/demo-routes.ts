import type { Stores, Verifier } from '@pzk-auth/verifier';
import { json, Router } from 'express';

/** The key that the demo issued last. */
export interface DemoKey {
  readonly apiKey: string;
  readonly id: string;
  readonly account: string;
}

/** Options of {@link demoRoutes}. */
export interface DemoRoutesOptions {
  readonly verifier: Verifier;
  readonly stores: Stores;
  /** Issues another key and says so on the terminal. */
  readonly issueKey: () => Promise<DemoKey>;
  readonly currentKey: () => DemoKey;
}

/**
 * FOR THE DEMO ONLY, and not part of an application: these routes play the operator, for anybody who
 * can reach them. They show every row that the server stores, revoke devices and issue keys.
 */
export function demoRoutes({ verifier, stores, issueKey, currentKey }: DemoRoutesOptions): Router {
  const router = Router();
  router.use((_req, res, next) => {
    res.set('Cache-Control', 'no-store');
    next();
  });
  // JSON only: another site's form cannot send it without the browser asking this server first.
  router.post('/{*path}', (req, res, next) => {
    if (req.is('application/json')) next();
    else res.sendStatus(415);
  });
  router.use(json({ limit: '1kb' }));

  router.get('/stored', async (_req, res) => {
    const { account } = currentKey();
    const [accountRow, keys, devices, vault, signingKeys] = await Promise.all([
      stores.accounts.get(account),
      stores.keys.listByAccount(account),
      stores.devices.listByAccount(account),
      stores.vaults.get(account),
      stores.signingKeys.list(),
    ]);
    res.json({ accounts: [accountRow], keys, devices, vaults: vault ? [vault] : [], signingKeys });
  });

  router.post('/revoke-device', async (req, res) => {
    const device: unknown = req.body?.device;
    const known = typeof device === 'string' && (await verifier.devices.revoke(device));
    res.sendStatus(known ? 204 : 404);
  });

  router.post('/keys', async (_req, res) => {
    await issueKey();
    // The key itself is printed on the terminal: keys travel by no route of this server.
    res.sendStatus(204);
  });

  return router;
}
