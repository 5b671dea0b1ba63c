import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generate } from 'selfsigned';

/** A certificate for `localhost` with its key, both PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
  /** Where `cert` is: whoever calls the stand-in trusts this file. */
  readonly file: string;
}

const LIFETIME_DAYS = 3650;

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Reads the certificate of the stand-in; makes it at the first start. No other program trusts it. */
export async function openCertificate(directory: string): Promise<Certificate> {
  const file = join(directory, 'vendor-cert.pem');
  const keyFile = join(directory, 'vendor-key.pem');
  const cert = read(file);
  const key = read(keyFile);
  if (cert !== undefined && key !== undefined) return { cert, key, file };
  const made = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    notAfterDate: new Date(Date.now() + LIFETIME_DAYS * 86_400_000),
    extensions: [
      { name: 'basicConstraints', cA: true },
      { name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] },
    ],
  });
  writeFileSync(keyFile, made.private, { mode: 0o600 });
  writeFileSync(file, made.cert, { mode: 0o644 });
  return { cert: made.cert, key: made.private, file };
}
