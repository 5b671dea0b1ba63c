import { isCredentialHeader, isReleaseHeader, PzkError, providerHints } from '@pzk-auth/protocol';

/** Where the secret goes. */
export interface SecretHeader {
  /** Lower case. */
  readonly name: string;
  /** Stands before the secret, for instance `Bearer `; may be empty. */
  readonly prefix: string;
}

const BEARER: SecretHeader = { name: 'authorization', prefix: 'Bearer ' };

/** Whether a header may carry the secret. */
export function isSecretHeader({ name, prefix }: SecretHeader): boolean {
  return isReleaseHeader({ header: name, prefix });
}

/** Whether a header of the agent could be a credential of its own: those are dropped. */
export function isCredentialName(name: string): boolean {
  return isCredentialHeader(name) || name === 'proxy-authorization';
}

/**
 * The header for a host: what the operator configured, else what the agent asked for, else what the
 * provider is known to take, else `Authorization: Bearer`.
 *
 * @throws PzkError `invalid_request` if the agent asks for a header that carries no credentials.
 */
export function chooseSecretHeader(
  host: string,
  configured: SecretHeader | undefined,
  asked: SecretHeader | undefined,
): SecretHeader {
  if (configured !== undefined) return configured;
  if (asked === undefined) {
    return providerHints.find((one) => one.host === host)?.header ?? BEARER;
  }
  const header = { name: asked.name.toLowerCase(), prefix: asked.prefix };
  if (!isSecretHeader(header)) {
    throw new PzkError('invalid_request', 'The secret does not go into a header of this name.', {
      hint: 'Take authorization or a name that ends in api-key or token; the prefix is one word and a space.',
    });
  }
  return header;
}
