// Bundles the prover's worker with everything in it: a worker is loaded by its address alone, and
// what it imports would have to be found by every bundler and every server in between.
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = new URL('../', import.meta.url);
const path = (name) => fileURLToPath(new URL(name, root));

// mcl's own file calls a function for each of 430,000 bytes, which costs as much as the compilation
// of the program. Newer engines have a decoder of their own.
const slowDecoding =
  'const wasmBytes = Uint8Array.from(atob(wasmBase64), function (c) { return c.charCodeAt(0); });';
const fastDecoding = `let wasmBytes;
    if (typeof Uint8Array.fromBase64 === 'function') {
      wasmBytes = Uint8Array.fromBase64(wasmBase64);
    } else {
      const wasmText = atob(wasmBase64);
      wasmBytes = new Uint8Array(wasmText.length);
      for (let i = 0; i < wasmText.length; i++) wasmBytes[i] = wasmText.charCodeAt(i);
    }`;

const decodeQuickly = {
  name: 'decode-wasm-quickly',
  setup(esbuild) {
    esbuild.onLoad({ filter: /[\\/]mcl-wasm[\\/]dist[\\/]mcl_c\.js$/ }, async ({ path: file }) => {
      const source = await readFile(file, 'utf8');
      if (!source.includes(slowDecoding)) throw new Error('mcl-wasm has changed: look at it again');
      return { contents: source.replace(slowDecoding, fastDecoding), loader: 'js' };
    });
  },
};

const { metafile } = await build({
  entryPoints: [path('src/prover/worker-entry.ts')],
  outfile: path('dist/prover-worker.js'),
  bundle: true,
  format: 'esm',
  platform: 'browser',
  target: 'es2022',
  minify: true,
  sourcemap: false,
  metafile: true,
  // The licence asks that its notice goes along with every copy.
  banner: { js: `/*!\n${await readFile(path('THIRD_PARTY_NOTICES.md'), 'utf8')}*/` },
  plugins: [decodeQuickly],
  logLevel: 'warning',
});
await writeFile(path('dist/prover-worker.d.ts'), 'export {};\n');

const kilobytes = Math.round(Object.values(metafile.outputs)[0].bytes / 1000);
console.log(`dist/prover-worker.js ${kilobytes} kB`);
