import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const SOURCE = fileURLToPath(new URL('./', import.meta.url));

/** The directory that the scripts of the page are built into. */
export const CLIENT_PAGE = fileURLToPath(new URL('../../../.cache/client-page', import.meta.url));

/** Builds a page whose `globalThis.client` is a client of its issuer. */
export async function buildClientPage(): Promise<void> {
  await build({
    configFile: false,
    root: SOURCE,
    logLevel: 'error',
    worker: { format: 'es' },
    build: {
      outDir: CLIENT_PAGE,
      emptyOutDir: true,
      modulePreload: { polyfill: false },
      rolldownOptions: {
        input: join(SOURCE, 'main.ts'),
        output: { entryFileNames: 'page.js' },
      },
    },
  });
}

/** The document of the page. */
export function writeClientPage(issuer: string): string {
  return `<!doctype html><html data-issuer="${issuer}"><title>Page</title><script type="module" src="/page.js"></script>`;
}
