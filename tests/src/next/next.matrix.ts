import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium } from '../browser/browser.js';
import { passFlow } from './flow.js';
import { buildVariant, startBuilt, type Variant } from './next-app.js';

/** `npm run test:matrix` runs all; `npm test` only the build of the example. `NEXT_VARIANTS` chooses. */
const VARIANTS: readonly Variant[] = [
  { major: 16, bundler: 'turbopack', standalone: true },
  { major: 16, bundler: 'webpack', standalone: false },
  { major: 16, bundler: 'webpack', standalone: true },
  { major: 15, bundler: 'turbopack', standalone: false },
  { major: 15, bundler: 'turbopack', standalone: true },
  { major: 15, bundler: 'webpack', standalone: false },
  { major: 15, bundler: 'webpack', standalone: true },
];
const nameOf = ({ major, bundler, standalone }: Variant) =>
  `${major}-${bundler}${standalone ? '-standalone' : ''}`;
const wanted = process.env.NEXT_VARIANTS?.split(',');
const chosen = VARIANTS.filter((variant) => wanted?.includes(nameOf(variant)) ?? true);

let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser.close());

describe.for(chosen.map((variant) => [nameOf(variant), variant] as const))(
  'Next.js %s',
  ([, variant]) => {
    it('builds, starts and passes the flow in Chromium', { timeout: 600_000 }, async () => {
      const app = await startBuilt(variant, await buildVariant(variant));
      try {
        await passFlow(browser, app);
        expect(app.output.text).not.toMatch(/error/i);
      } finally {
        await app.close();
      }
    });
  },
);
