import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import type { Search } from './canary.js';

const CHUNK = 16 * 1024 * 1024;
/** Longer than any spelling, so that no border of two chunks hides one. */
const OVERLAP = 64 * 1024;

/** Whether the memory of another process can be read here. */
export const canReadMemory = process.platform === 'linux';

/**
 * Looks through all memory of a process that can be written to: what a heap snapshot does not hold, such
 * as the contents of buffers, memory of libraries and what was freed and not yet used again.
 */
export function searchMemory(pid: number, search: Search): ReadonlySet<string> {
  const found = new Set<string>();
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  const chunk = Buffer.alloc(CHUNK + OVERLAP);
  let looked = 0;
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
      const [, start, end] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? [];
      if (start === undefined || end === undefined) continue;
      const from = Number.parseInt(start, 16);
      const length = Number.parseInt(end, 16) - from;
      for (let at = 0; at < length; at += CHUNK) {
        const read = readPiece(memory, chunk.subarray(0, length - at), from + at);
        looked += read;
        for (const name of search(chunk.subarray(0, read))) found.add(name);
      }
    }
  } finally {
    closeSync(memory);
  }
  if (looked < 1024 * 1024) throw new Error('The memory of the server could not be read.');
  return found;
}

function readPiece(file: number, into: Buffer, position: number): number {
  try {
    return readSync(file, into, 0, into.length, position);
  } catch {
    // Was given back between the list and the look.
    return 0;
  }
}
