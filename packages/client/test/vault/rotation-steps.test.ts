import { describe, expect, it } from 'vitest';
import { type ProviderHint, providerHints, rotationSteps } from '../../src/index.js';

const names = (steps: ReturnType<typeof rotationSteps>) =>
  steps.map(({ provider, host, replaced }) => [provider.id, host, replaced]);

describe('the way through the keys of a lost vault', () => {
  it('goes through every known service where nothing tells which they were', () => {
    const steps = rotationSteps({ hosts: [], slots: [] });
    const known = providerHints.filter(({ id }) => id !== 'generic');
    expect(names(steps)).toEqual(known.map(({ id }) => [id, undefined, false]));
  });

  it('begins with what agents have called, hosts that nobody knows among them', () => {
    const hosts = ['api.example.com', 'api.openai.com'];
    const steps = rotationSteps({ hosts, slots: [] });
    expect(names(steps).slice(0, 2)).toEqual([
      ['generic', 'api.example.com', false],
      ['openai', 'api.openai.com', false],
    ]);
    expect(steps.filter(({ provider }) => provider.id === 'openai')).toHaveLength(1);
    expect(steps).toHaveLength(providerHints.length);
  });

  it('shows which of them have a new key, by the provider of a secret alone', () => {
    const slots = [
      { kind: 'secret', provider: 'github' },
      { kind: 'api-key', provider: 'openai' },
      { kind: 'secret', provider: 'generic' },
    ] as const;
    const steps = rotationSteps({ hosts: ['api.example.com'], slots });
    const done = steps.filter(({ replaced }) => replaced).map(({ provider }) => provider.id);
    expect(done).toEqual(['github']);
  });

  it('knows the services of the application alone, where it names them, and leaves out no host', () => {
    const providers: readonly ProviderHint[] = [
      { id: 'acme', name: 'Acme', host: 'api.acme.example', pattern: /^acme_/ },
    ];
    const hosts = ['api.acme.example', 'api.openai.com'];
    expect(names(rotationSteps({ hosts, slots: [], providers }))).toEqual([
      ['acme', 'api.acme.example', false],
      ['generic', 'api.openai.com', false],
    ]);
  });
});
