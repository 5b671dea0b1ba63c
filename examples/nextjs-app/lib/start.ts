import { createOnce } from '@pzk-auth/nextjs';
import { origin, scopes, verifier } from './pzk';

/** Fails early if something is not as it should be, and prints a key for the demo. */
export async function start(): Promise<void> {
  await verifier().ready();
  // Issue keys where your customers are known; stores that last need no new one at each start.
  const { apiKey } = await createOnce('demo-key', () =>
    verifier().keys.issue({ scopes, label: 'Demo key' }),
  );
  process.stdout.write(`\n  Weather desk  ${origin()}\n  API key       ${apiKey}\n\n`);
}
