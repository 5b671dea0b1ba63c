import { expect, it } from 'vitest';
import { memoryStores } from '../src/index.js';
import { memoryDurableStores } from '../src/stores/memory/durable.js';
import { createIssuer } from './harness/issuer.js';
import { call, createWireClient } from './harness/wire-client.js';

/** The memory of a process that starts now, over what has outlived the one before. */
function restart(durable: ReturnType<typeof memoryDurableStores>, offset: number) {
  const clock = () => Date.now() + offset;
  const stores = { ...memoryStores({ clock }), ...durable };
  const issuer = createIssuer({ stores, secret: 'a secret for tests: 0123456789 abcdef XYZ' });
  issuer.offset = offset;
  return issuer;
}

it('short-lived stores that begin anew know no revocations: tokens from before are refused', async () => {
  const durable = memoryDurableStores();
  const before = restart(durable, 0);
  const { apiKey } = await before.verifier.keys.issue({ scopes: ['weather:read'] });
  const client = await createWireClient(before, { apiKey });
  const token = (await client.enroll()).body.access_token as string;
  const instance = createIssuer({
    stores: before.stores,
    secret: 'a secret for tests: 0123456789 abcdef XYZ',
  });
  await expect(call(instance, client, token)).resolves.toMatchObject({ scopes: ['weather:read'] });

  const after = restart(durable, 2_000);
  await expect(call(after, client, token)).rejects.toMatchObject({ code: 'invalid_token' });
  const again = await createWireClient(after, {
    apiKey,
    sessionKey: client.sessionKey,
  });
  Object.assign(again.authenticator, client.authenticator);
  const answer = await again.token();
  expect(answer.status).toBe(200);
  await expect(call(after, again, answer.body.access_token)).resolves.toBeDefined();
  for (const { verifier } of [before, instance, after]) await verifier.close();
});
