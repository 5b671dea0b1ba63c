import { importRecipientSecret, RECIPIENT_SECRET_BYTES } from '../vault/recipient-secret.js';
import { bytesOf, wipe } from './credential-bytes.js';

/** PRF outputs of one ceremony as keys that cannot be read back. */
export interface PrfSecrets {
  /** Whether the authenticator says it has PRF; told at `create()` only. */
  readonly enabled: boolean | undefined;
  readonly first: CryptoKey | undefined;
  readonly second: CryptoKey | undefined;
}

async function takeSecret(output: BufferSource | undefined): Promise<CryptoKey | undefined> {
  if (output === undefined || output === null) return undefined;
  const bytes = bytesOf(output);
  wipe(output);
  // Some password managers answer with an empty output; a zero one would be everybody's secret.
  if (bytes.length !== RECIPIENT_SECRET_BYTES || bytes.every((byte) => byte === 0))
    return undefined;
  return importRecipientSecret(bytes);
}

/**
 * Takes the PRF outputs out of a credential: at once keys, and their buffers overwritten, as far as
 * the browser hands out its own. To be called once for each ceremony.
 */
export async function takePrfSecrets(credential: PublicKeyCredential): Promise<PrfSecrets> {
  const prf = credential.getClientExtensionResults().prf;
  const [first, second] = await Promise.all([
    takeSecret(prf?.results?.first),
    takeSecret(prf?.results?.second),
  ]);
  return { enabled: prf?.enabled, first, second };
}
