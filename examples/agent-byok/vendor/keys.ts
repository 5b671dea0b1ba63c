import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** The keys of the stand-in, in a file: a new one takes effect without a restart. */
export interface VendorKeys {
  /** Keys that work. */
  active(): readonly string[];
  /** Makes another key. With `replace` those before it stop working. */
  create(options?: { readonly replace?: boolean }): string;
}

/** Looks like a key of the real API. */
const createKey = () => `sk-ant-api03-${randomBytes(70).toString('base64url').slice(0, 93)}AA`;

function read(file: string): readonly string[] {
  try {
    return readFileSync(file, 'utf8').split('\n').filter(Boolean);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Opens the file of the vendor's keys, with one key if there was none. */
export function openVendorKeys(file: string): VendorKeys {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const keys: VendorKeys = {
    active: () => read(file),
    create({ replace = false } = {}) {
      const key = createKey();
      const kept = replace ? [] : read(file);
      writeFileSync(file, `${[...kept, key].join('\n')}\n`, { mode: 0o600 });
      return key;
    },
  };
  if (keys.active().length === 0) keys.create();
  return keys;
}
