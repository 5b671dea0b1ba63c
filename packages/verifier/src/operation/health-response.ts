import type { Health } from './health.js';

function answer(status: number, body: unknown): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    },
  });
}

/**
 * Answers for an orchestrator. `/live`: the process runs, 200; restart it if this does not answer.
 * `/ready`: 200 if it can serve, else 503; send it no requests then. Which checks failed is told, why
 * is not: these routes need no credentials.
 */
export async function healthResponse(
  path: string,
  method: string,
  health: () => Promise<Health>,
): Promise<Response | undefined> {
  if (method !== 'GET' && method !== 'HEAD') return undefined;
  if (path === '/live') return answer(200, { status: 'ok' });
  if (path !== '/ready') return undefined;
  const { ready, checks } = await health();
  const results = Object.entries(checks).map(([name, { ok }]) => [name, ok] as const);
  return answer(ready ? 200 : 503, {
    status: ready ? 'ok' : 'unavailable',
    checks: Object.fromEntries(results),
  });
}
