import { Transform } from 'node:stream';
import type { SecretForms } from './secret-forms.js';

const MASK = 0x2a; // *

/** Takes a secret out of what comes back. Lengths stay as they are. */
export interface Scrubber {
  /** For a header. */
  scrubText(text: string): string;
  /** For a body; finds the secret across the borders of chunks. What it holds back depends on the secret's length alone. */
  createStream(): Transform;
}

type Range = readonly [start: number, end: number];

/** Every occurrence, overlapping ones too: what one form covers may be part of another. */
function find({ whole, patterns }: SecretForms, bytes: Buffer): Range[] {
  const found: Range[] = [];
  for (const form of whole) {
    for (let at = bytes.indexOf(form); at !== -1; at = bytes.indexOf(form, at + 1)) {
      found.push([at, at + form.length]);
    }
  }
  const text = bytes.toString('latin1');
  for (const pattern of patterns) {
    pattern.lastIndex = 0;
    for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
      found.push([match.index, pattern.lastIndex]);
      pattern.lastIndex = match.index + 1;
    }
  }
  return found;
}

const LF = 0x0a;
const CR = 0x0d;

/**
 * How many bytes at the end are held back, because a form may begin there. What else they are must not
 * count: whoever has guesses of the secret sent back would see by the sizes of the chunks how far each is
 * right. A line's end stands in no form, so that event streams flow.
 */
function openEnd(longest: number, bytes: Buffer): number {
  const line = Math.max(bytes.lastIndexOf(LF), bytes.lastIndexOf(CR));
  return Math.min(bytes.length - 1 - line, longest - 1);
}

/** @param forms - Every spelling to search for. */
export function createScrubber(forms: SecretForms): Scrubber {
  return {
    scrubText(text) {
      const bytes = Buffer.from(text, 'latin1');
      for (const [start, end] of find(forms, bytes)) bytes.fill(MASK, start, end);
      return bytes.toString('latin1');
    },
    createStream() {
      /** The end of what came, as it came: it may be the beginning of a form. */
      let held: Buffer = Buffer.alloc(0);
      /** So many bytes of it belong to a form that was found already. */
      let covered = 0;

      function scrub(bytes: Buffer, open: number): Buffer {
        const end = bytes.length - open;
        const clean = Buffer.from(bytes).fill(MASK, 0, covered);
        covered = Math.max(0, covered - end);
        for (const range of find(forms, bytes)) {
          clean.fill(MASK, ...range);
          // One that lies in what is held as a whole will be found again.
          if (range[0] < end) covered = Math.max(covered, range[1] - end);
        }
        held = Buffer.from(bytes.subarray(end));
        return clean.subarray(0, end);
      }

      return new Transform({
        transform(chunk: Buffer, _encoding, done) {
          const bytes = Buffer.concat([held, chunk]);
          done(null, scrub(bytes, openEnd(forms.longest, bytes)));
        },
        flush(done) {
          done(null, scrub(held, 0));
        },
      });
    },
  };
}
