import { type ProviderHint, providerHints } from '@pzk-auth/protocol';

/** The hint for a `provider`; `generic` for one that is not in the table. */
export function findProviderHint(provider: string): ProviderHint {
  const found = providerHints.find(({ id }) => id === provider);
  return found ?? (providerHints.at(-1) as ProviderHint);
}

/** Whether a value has the form of the provider's keys. False says: ask the user to look again. */
export function looksLikeKeyOf(provider: string, value: Uint8Array): boolean {
  // ASCII alone: no pattern takes more, and every byte is one character.
  const text = new TextDecoder('latin1').decode(value);
  return findProviderHint(provider).pattern.test(text);
}

/**
 * The service whose keys begin as this value does; undefined where nothing tells. Where it is another than
 * the user has chosen, say so: an approval is compared with the host and the header of the chosen one.
 */
export function recognizeKey(value: string): ProviderHint | undefined {
  const text = value.trim();
  return providerHints.find(({ mark }) => mark?.test(text));
}
