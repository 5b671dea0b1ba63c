import type { ErrorRequestHandler } from 'express';

/** Answers what nobody else answered: the status alone, since a stack is for the terminal only. */
export function lastErrorHandler(): ErrorRequestHandler {
  return (error, _req, res, next) => {
    if (res.headersSent) return next(error);
    const wanted: unknown = error?.status;
    const known = typeof wanted === 'number' && wanted >= 400 && wanted < 500;
    if (!known) process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
    res
      .status(known ? wanted : 500)
      .set('Cache-Control', 'no-store')
      .json({ title: known ? 'The request is malformed.' : 'Something went wrong here.' });
  };
}
