import { curves, groth16 } from 'snarkjs';
import { reportProofs } from '../report.js';

/** @param {string} path */
async function load(path) {
  return new Uint8Array(await (await fetch(path)).arrayBuffer());
}

// Side by side, each once: quicker than addresses and `singleThread` given to fullProve.
const [wasm, zkey, curve] = await Promise.all([
  load('/ownership-v1.wasm'),
  load('/ownership-v1.zkey'),
  curves.getCurveFromName('bn128', { singleThread: true }),
]);
globalThis.curve_bn128 = curve;

await reportProofs(async (input) => {
  const decimals = Object.fromEntries(
    Object.entries(input).map(([name, value]) => [name, String(value)]),
  );
  return (await groth16.fullProve(decimals, wasm, zkey)).proof;
});
