#!/usr/bin/env node
/** `npm run new-key`: rotates the key of the stand-in, as a user does at a real provider. It needs no restart. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openVendorKeys } from './keys.js';

const directory = process.env.DATA ?? fileURLToPath(new URL('../../../.data', import.meta.url));
const key = openVendorKeys(join(directory, 'vendor', 'keys')).create({ replace: true });
process.stdout.write(`The stand-in takes this key from now on, and none of before:\n${key}\n`);
