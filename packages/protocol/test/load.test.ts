import { expect, it } from 'vitest';

// Schemas and constants are made when the package loads: a fault there shows here as a failed test.
it('loads', async () => {
  await expect(import('../src/index.js')).resolves.toHaveProperty('parseMessage');
});
