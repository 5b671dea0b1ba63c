import { mkdirSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { openCertificate } from './certificate.js';
import { openVendorKeys, type VendorKeys } from './keys.js';
import { createMessagesApi } from './messages-api.js';

/** A listening stand-in. */
export interface RunningVendor {
  /** As a request of an agent names it, e.g. `localhost:3443`. */
  readonly host: string;
  /** PEM file of the certificate that it shows. */
  readonly caFile: string;
  readonly keys: VendorKeys;
  close(): void;
}

/** Options of {@link startVendor}. */
export interface VendorOptions {
  /** Keeps keys and certificate of the stand-in. */
  readonly directory: string;
  /** Port to listen on; 0 for any that is free. */
  readonly port?: number;
  /** Between two pieces of a streamed answer, in milliseconds. */
  readonly pause?: number;
}

/** Starts the stand-in of the upstream API, on HTTPS like the real one, for this machine only. */
export async function startVendor(options: VendorOptions): Promise<RunningVendor> {
  const { directory, port = 0, pause } = options;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const { cert, key, file } = await openCertificate(directory);
  const keys = openVendorKeys(join(directory, 'keys'));
  const api = createMessagesApi({ keys: keys.active, ...(pause === undefined ? {} : { pause }) });
  const server = createServer({ cert, key }, api);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, 'localhost', () => resolve());
  });
  return {
    host: `localhost:${(server.address() as AddressInfo).port}`,
    caFile: file,
    keys,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
