import type { Verifier } from '@pzk-auth/verifier';
import { Router } from 'express';

/** Sign-ups that one address may begin in an hour. */
const HOURLY = 20;
const HOUR = 3_600_000;

/**
 * `POST /sign-up`: a new account with an API key of its own. The page enrols with it at once and forgets
 * it; the user sees a passkey and nothing else. An application with users of its own signs them in
 * first and issues the key for their account.
 */
export function signUpRoutes({
  verifier,
  scopes,
}: {
  verifier: Verifier;
  scopes: string[];
}): Router {
  const routes = Router();
  const begun = new Map<string, number>();
  let hour = 0;
  routes.post('/sign-up', async (req, res) => {
    // Another origin must not make accounts with a visitor's browser.
    if (req.get('sec-fetch-site') !== 'same-origin') {
      return void res.status(403).json({ title: 'Sign up on the page itself.' });
    }
    const now = Math.floor(Date.now() / HOUR);
    if (now !== hour) begun.clear();
    hour = now;
    const address = req.ip ?? '';
    const count = (begun.get(address) ?? 0) + 1;
    begun.set(address, count);
    if (count > HOURLY) {
      return void res.status(429).json({ title: 'Too many sign-ups from here. Try again later.' });
    }
    const { apiKey } = await verifier.keys.issue({ scopes, label: 'Sign-up' });
    res.status(201).set('Cache-Control', 'no-store').json({ apiKey });
  });
  return routes;
}
