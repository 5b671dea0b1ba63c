import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

/**
 * Builds a page for production, as the application of a user would.
 *
 * @param {'ours' | 'peer'} name
 * @param {object} options
 * @param {string} options.directory - where to write it
 * @param {Readonly<Record<string, string>>} options.input - what is proved, decimals
 * @returns {Promise<Map<string, Uint8Array>>} its files by path
 */
export async function buildPage(name, { directory, input }) {
  const outDir = join(directory, name);
  await build({
    configFile: false,
    root: fileURLToPath(new URL(`pages/${name}`, import.meta.url)),
    logLevel: 'error',
    define: { __INPUT__: JSON.stringify(input) },
    build: {
      outDir,
      emptyOutDir: true,
      target: 'esnext',
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
    },
    worker: { format: 'es' },
  });
  /** @type {Map<string, Uint8Array>} */
  const files = new Map();
  for (const entry of await readdir(outDir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    files.set(path.slice(outDir.length).replaceAll('\\', '/'), await readFile(path));
  }
  return files;
}
