/** A secret to look for, in every spelling that software gives to bytes. */
export interface Canary {
  readonly name: string;
  readonly spellings: readonly { readonly name: string; readonly text: string }[];
}

/** Prepares a secret for the search. */
export function createCanary(name: string, secret: Uint8Array): Canary {
  const bytes = Buffer.from(secret);
  const numbers = [...bytes];
  // Base64 depends on where in its text the bytes start: all three alignments, without their edges.
  const aligned = [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
    return text.slice(shift === 0 ? 0 : 4, Math.floor(text.length / 4) * 4 - 4);
  });
  return {
    name,
    spellings: [
      { name: 'raw', text: bytes.toString('latin1') },
      { name: 'hex', text: bytes.toString('hex') },
      { name: 'HEX', text: bytes.toString('hex').toUpperCase() },
      ...aligned.map((text) => ({ name: 'base64', text })),
      ...aligned.map((text) => ({
        name: 'base64url',
        text: text.replaceAll('+', '-').replaceAll('/', '_'),
      })),
      { name: 'numbers', text: numbers.join(',') },
      { name: 'numbers with spaces', text: numbers.join(', ') },
      {
        name: 'object of numbers',
        text: numbers.map((byte, index) => `"${index}":${byte}`).join(','),
      },
    ],
  };
}

/** Where canaries are looked for: a name and all that was found there, as text. */
export type Sinks = ReadonlyMap<string, string>;

/** Every place and spelling in which a canary appears. */
export function hunt(canaries: readonly Canary[], sinks: Sinks): string[] {
  const found: string[] = [];
  for (const [sink, text] of sinks) {
    for (const { name, spellings } of canaries) {
      for (const spelling of spellings) {
        if (text.includes(spelling.text)) found.push(`${name} as ${spelling.name} in ${sink}`);
      }
    }
  }
  return found;
}
