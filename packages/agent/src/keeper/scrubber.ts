import { Transform } from 'node:stream';

const MASK = 0x2a; // *

/** Takes a secret out of what comes back. Lengths stay as they are. */
export interface Scrubber {
  /** For a header. */
  scrubText(text: string): string;
  /** For a body; finds the secret across the borders of chunks and holds back no more than it has to. */
  createStream(): Transform;
}

type Range = readonly [start: number, end: number];

/** Every occurrence, overlapping ones too: what one form covers may be part of another. */
function find(forms: readonly Buffer[], bytes: Buffer): Range[] {
  const found: Range[] = [];
  for (const form of forms) {
    for (let at = bytes.indexOf(form); at !== -1; at = bytes.indexOf(form, at + 1)) {
      found.push([at, at + form.length]);
    }
  }
  return found;
}

/** How many bytes at the end could be the beginning of a form. */
function openEnd(forms: readonly Buffer[], bytes: Buffer): number {
  let longest = 0;
  for (const form of forms) {
    const first = form[0] as number;
    const from = Math.max(0, bytes.length - form.length + 1);
    for (let at = bytes.indexOf(first, from); at !== -1; at = bytes.indexOf(first, at + 1)) {
      const length = bytes.length - at;
      if (length <= longest) break;
      if (bytes.compare(form, 0, length, at) === 0) {
        longest = length;
        break;
      }
    }
  }
  return longest;
}

/** @param forms - Every spelling to search for. */
export function createScrubber(forms: readonly Buffer[]): Scrubber {
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
          done(null, scrub(bytes, openEnd(forms, bytes)));
        },
        flush(done) {
          done(null, scrub(held, 0));
        },
      });
    },
  };
}
