import type { PzkAuth } from '@pzk-auth/express';
import { json, Router } from 'express';
import type { WeatherDesk } from './weather-desk.js';

const LONGEST_REPORT = 280;

/** Options of {@link weatherRoutes}. */
export interface WeatherRoutesOptions {
  readonly pzk: PzkAuth;
  readonly desk: WeatherDesk;
  /** How old the last touch of the passkey may be for a report, in seconds. */
  readonly stepUpAge: number;
}

/** The API: reading needs one scope, writing another one and a recent touch. */
export function weatherRoutes({ pzk, desk, stepUpAge }: WeatherRoutesOptions): Router {
  const router = Router();

  router.get('/weather', pzk.protect({ scope: 'weather:read' }), (req, res) => {
    res.json({ for: req.pzk.account, observations: desk.observations(), reports: desk.reports() });
  });

  const mayWrite = pzk.protect({ scope: 'weather:write', maxAge: stepUpAge });
  // Authentication first: whoever may not write makes the server parse nothing.
  router.post('/reports', mayWrite, json({ limit: '2kb' }), (req, res) => {
    const text: unknown = req.body?.text;
    if (typeof text !== 'string' || text.trim() === '' || text.length > LONGEST_REPORT) {
      res.status(400).json({ title: `A report is text of at most ${LONGEST_REPORT} characters.` });
      return;
    }
    res.status(201).json(desk.file({ by: req.pzk.account, text: text.trim() }));
  });

  return router;
}
