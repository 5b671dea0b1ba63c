/** What is known of a service whose keys are kept in vaults. */
export interface ProviderHint {
  /** As `provider` of a secret. */
  readonly id: string;
  /** For people. */
  readonly name: string;
  /** Where keys are made, revoked and rotated. */
  readonly rotateUrl?: string;
  /** Host that such keys are for: what to expect in a request of an agent. */
  readonly host?: string;
  /** Header that carries the key, lower case, and what stands before it: likewise. */
  readonly header?: { readonly name: string; readonly prefix: string };
  /** What the service's keys look like. A hint against typing errors: services change it. */
  readonly pattern: RegExp;
  /** How a key begins that can hardly be another service's. Absent where nothing marks them. */
  readonly mark?: RegExp;
}

const BEARER = Object.freeze({ name: 'authorization', prefix: 'Bearer ' });
const plain = (name: string) => Object.freeze({ name, prefix: '' });

/** Services with a form of their own; for all others there is `generic`. */
export const providerHints: readonly ProviderHint[] = Object.freeze([
  {
    id: 'anthropic',
    name: 'Anthropic',
    rotateUrl: 'https://console.anthropic.com/settings/keys',
    host: 'api.anthropic.com',
    header: plain('x-api-key'),
    pattern: /^sk-ant-[A-Za-z0-9_-]{20,}$/,
    mark: /^sk-ant-/,
  },
  {
    id: 'openai',
    name: 'OpenAI',
    rotateUrl: 'https://platform.openai.com/api-keys',
    host: 'api.openai.com',
    header: BEARER,
    pattern: /^sk-[A-Za-z0-9_-]{20,}$/,
    // Without the second word others write their keys like this, too.
    mark: /^sk-(proj|svcacct|admin)-/,
  },
  {
    id: 'vercel',
    name: 'Vercel',
    rotateUrl: 'https://vercel.com/account/settings/tokens',
    host: 'api.vercel.com',
    header: BEARER,
    pattern: /^[A-Za-z0-9_]{20,}$/,
  },
  {
    id: 'github',
    name: 'GitHub',
    rotateUrl: 'https://github.com/settings/tokens',
    host: 'api.github.com',
    header: BEARER,
    pattern: /^(gh[a-z]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})$/,
    mark: /^(gh[a-z]|github_pat)_/,
  },
  {
    id: 'google-ai',
    name: 'Google AI',
    rotateUrl: 'https://aistudio.google.com/apikey',
    host: 'generativelanguage.googleapis.com',
    header: plain('x-goog-api-key'),
    pattern: /^[A-Za-z0-9_.-]{30,}$/,
    mark: /^AIza/,
  },
  // Anything: keys of several lines are kept, too.
  { id: 'generic', name: 'Other service', pattern: /./s },
]);

/** The hint for a `provider`; `generic` for one that is not in the table. */
export function findProviderHint(provider: string): ProviderHint {
  const found = providerHints.find(({ id }) => id === provider);
  return found ?? (providerHints.at(-1) as ProviderHint);
}

/** Whether a value has the form of the provider's keys. False says: ask the user to look again. */
export function looksLikeKeyOf(provider: string, value: Uint8Array): boolean {
  // ASCII alone: no pattern takes more, and every byte is one character.
  const text = String.fromCharCode(...value);
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
