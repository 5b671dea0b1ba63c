/** The eight steps of the flow, in words for people. */
export const STEPS = [
  {
    title: 'Enter the key',
    text: 'Typed once on this device. It is never sent.',
  },
  {
    title: 'Challenge',
    text: 'The server hands out a nonce, and stores nothing for it.',
  },
  {
    title: 'Passkey',
    text: 'A touch signs the challenge and yields a secret that only this passkey can make.',
  },
  {
    title: 'Vault',
    text: 'At first the key is encrypted under that secret; later the secret opens it.',
  },
  {
    title: 'Proof',
    text: 'A worker proves in zero knowledge that this device holds the key.',
  },
  {
    title: 'Exchange',
    text: 'Assertion and proof give one token, bound to a key pair of this device.',
  },
  {
    title: 'Call',
    text: 'Each call carries the token and a fresh signature of that key pair.',
  },
  {
    title: 'Renew or revoke',
    text: 'The key pair alone renews the session, for an hour at most. Signing out ends it.',
  },
] as const;

/** Number of a step, 1 to 8. */
export type StepNumber = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;
