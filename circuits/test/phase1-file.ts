import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { phase1 } from '../scripts/phase1.mjs';

/**
 * The file of the public ceremony, which is too large for the repository: what PTAU names, else
 * beside the checkout. Without it the tests that need it are skipped.
 */
export const phase1File =
  process.env.PTAU ??
  fileURLToPath(new URL(`../../../shared/ptau/${phase1.name}`, import.meta.url));

// A path that was named and is wrong must not pass for a run of these tests.
export const hasPhase1 = process.env.PTAU !== undefined || existsSync(phase1File);
