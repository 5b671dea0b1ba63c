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
  /**
   * Header that carries the key, lower case, and what stands before it: likewise. A broker takes it, too, where
   * neither its operator nor the agent says another.
   */
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
    pattern: /^sk-(?!ant-|or-)[A-Za-z0-9_-]{20,}$/,
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
  {
    id: 'mistral',
    name: 'Mistral',
    rotateUrl: 'https://console.mistral.ai/api-keys',
    host: 'api.mistral.ai',
    header: BEARER,
    pattern: /^[A-Za-z0-9]{20,}$/,
  },
  {
    id: 'groq',
    name: 'Groq',
    rotateUrl: 'https://console.groq.com/keys',
    host: 'api.groq.com',
    header: BEARER,
    pattern: /^gsk_[A-Za-z0-9]{20,}$/,
    mark: /^gsk_/,
  },
  {
    id: 'openrouter',
    name: 'OpenRouter',
    rotateUrl: 'https://openrouter.ai/settings/keys',
    host: 'openrouter.ai',
    header: BEARER,
    pattern: /^sk-or-[A-Za-z0-9_-]{20,}$/,
    mark: /^sk-or-/,
  },
  {
    id: 'elevenlabs',
    name: 'ElevenLabs',
    rotateUrl: 'https://elevenlabs.io/app/settings/api-keys',
    host: 'api.elevenlabs.io',
    header: plain('xi-api-key'),
    pattern: /^[A-Za-z0-9_]{20,}$/,
  },
  {
    id: 'deepgram',
    name: 'Deepgram',
    rotateUrl: 'https://console.deepgram.com/',
    host: 'api.deepgram.com',
    header: Object.freeze({ name: 'authorization', prefix: 'Token ' }),
    pattern: /^[A-Za-z0-9_-]{20,}$/,
  },
  // Anything: keys of several lines are kept, too.
  { id: 'generic', name: 'Other service', pattern: /./s },
]);
