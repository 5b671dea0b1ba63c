import { PzkError } from './errors.js';
import { limits } from './limits.js';

/** Refuses deep nesting before parsing; the parser would recurse, or build what nobody asked for. */
function assertDepth(text: string, maximum: number): void {
  let depth = 0;
  let quoted = false;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (quoted) {
      if (code === 0x5c) index++;
      else if (code === 0x22) quoted = false;
    } else if (code === 0x22) quoted = true;
    else if (code === 0x7b || code === 0x5b) {
      if (++depth > maximum) throw new PzkError('invalid_request', 'The JSON is nested too deep.');
    } else if (code === 0x7d || code === 0x5d) depth--;
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * Parses a JSON document of bounded depth. The size has to be bounded before, where the bytes are
 * read. Not yet verified: anything about its shape.
 *
 * @throws PzkError `invalid_request`
 */
export function parseJson(input: string | Uint8Array, depth: number = limits.jsonDepth): unknown {
  let text: string;
  try {
    text = typeof input === 'string' ? input : decoder.decode(input);
  } catch (cause) {
    throw new PzkError('invalid_request', 'The text is not UTF-8.', { cause });
  }
  assertDepth(text, depth);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new PzkError('invalid_request', 'The text is not JSON.', { cause });
  }
}
