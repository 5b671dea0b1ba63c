import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ownershipV1, ownershipV1VerificationKey } from '@pzk-auth/circuits';
import { readArtifact } from '@pzk-auth/circuits/node';
import { chromium } from 'playwright-core';
import { groth16 } from 'snarkjs';
import { interleave } from './lib/interleave.mjs';
import { createOwnershipInput, toDecimals } from './lib/ownership.mjs';
import { compare } from './lib/result.mjs';
import { loadSnarkjsCircuit } from './lib/snarkjs-circuit.mjs';
import { createSnarkjsCurves } from './lib/snarkjs-curve.mjs';
import { toSnarkjsProof } from './lib/snarkjs-proof.mjs';
import { median } from './lib/statistics.mjs';
import { buildPage } from './prove-chromium/build-page.mjs';
import { startStaticServer } from './prove-chromium/static-server.mjs';
import { visitPage } from './prove-chromium/visit-page.mjs';

/** @typedef {import('./prove-chromium/visit-page.mjs').Visit} Visit */

const PEER =
  'snarkjs 0.7.6 groth16.fullProve, one curve without threads, files fetched side by side';

// By its address: a script of the repository without types.
const programs = new URL('../../scripts/lib/find-programs.mjs', import.meta.url);
/** @type {{ findChromium(): { path: string, version: string } | undefined }} */
const { findChromium } = await import(programs.href);

const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/**
 * `prove.chromium.cold`, `prove.chromium.warm`, `bytes.chromium`: two pages that prove, built alike
 * and served alike.
 *
 * @param {import('./lib/settings.mjs').Settings} settings
 */
export async function measureProveChromium({ quick, note }) {
  const program = findChromium();
  if (program === undefined) throw new Error('There is no Chromium: npm run setup.');
  const directory = await mkdtemp(join(tmpdir(), 'pzk-bench-'));
  const { context: _, ...statement } = createOwnershipInput();
  const pages = await startPages(directory, toDecimals(statement));
  const browser = await chromium.launch({ executablePath: program.path, args: ARGUMENTS });
  try {
    /** @type {Record<'ours' | 'peer', Visit[]>} */
    const visits = { ours: [], peer: [] };
    const warmProofs = quick ? 2 : 6;
    /** @param {'ours' | 'peer'} name */
    const visit = (name) => async (/** @type {number} */ round) => {
      const result = await visitPage(browser, pages[name], warmProofs);
      if (round >= 0) visits[name].push(result);
      return result.cold;
    };
    const cold = await interleave(
      { ours: visit('ours'), peer: visit('peer') },
      { rounds: quick ? 3 : 15 },
    );
    await assertValid(visits, String(statement.commitment));
    note(`prove.chromium: ${program.version}, pages from localhost, no throttling`);
    const warm = (/** @type {Visit} */ result) => median(result.warm);
    const bytes = (/** @type {Visit} */ result) => result.bytes / 1000;
    const less = /** @type {const} */ ('less');
    return [
      compare({
        id: 'prove.chromium.warm',
        unit: 'ms',
        better: less,
        peer: PEER,
        ours: visits.ours.map(warm),
        theirs: visits.peer.map(warm),
      }),
      compare({
        id: 'prove.chromium.cold',
        unit: 'ms',
        better: less,
        peer: PEER,
        ours: cold.ours,
        theirs: cold.peer,
      }),
      compare({
        id: 'bytes.chromium',
        unit: 'kB',
        better: less,
        peer: `${PEER}; with circom's witness program and the zkey`,
        ours: visits.ours.map(bytes),
        theirs: visits.peer.map(bytes),
      }),
    ];
  } finally {
    await browser.close();
    pages.ours.close();
    pages.peer.close();
    await rm(directory, { recursive: true, force: true });
  }
}

/**
 * @param {string} directory
 * @param {Readonly<Record<string, string>>} input
 */
async function startPages(directory, input) {
  const prover = ownershipV1.artifacts.prover.sha256;
  const ours = await buildPage('ours', { directory, input });
  ours.set(`/pzk/circuits/${prover}`, await readArtifact(prover));
  const peer = await buildPage('peer', { directory, input });
  const { wasm, zkey } = await loadSnarkjsCircuit();
  peer.set('/ownership-v1.wasm', wasm);
  peer.set('/ownership-v1.zkey', zkey);
  const [oursServer, peerServer] = await Promise.all([ours, peer].map(startStaticServer));
  if (oursServer === undefined || peerServer === undefined) throw new Error('No servers.');
  return { ours: oursServer, peer: peerServer };
}

/**
 * A proof that does not verify would not be worth its time.
 *
 * @param {Record<'ours' | 'peer', Visit[]>} visits
 * @param {string} commitment
 */
async function assertValid(visits, commitment) {
  const curves = await createSnarkjsCurves();
  curves.useOneThread();
  try {
    for (const [name, results] of Object.entries(visits)) {
      for (const { proof, context } of results) {
        const readable = name === 'ours' ? toSnarkjsProof(Uint8Array.from(proof)) : proof;
        const signals = [commitment, context];
        if (!(await groth16.verify(ownershipV1VerificationKey, signals, readable))) {
          throw new Error(`A proof of ${name} is invalid.`);
        }
      }
    }
  } finally {
    await curves.close();
  }
}
