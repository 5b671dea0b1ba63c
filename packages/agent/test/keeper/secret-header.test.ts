import { providerHints } from '@pzk-auth/protocol';
import { describe, expect, it } from 'vitest';
import { chooseSecretHeader } from '../../src/keeper/secret-header.js';

describe('the header of a key that nobody has named', () => {
  const known = providerHints.flatMap(({ host, header }) =>
    host !== undefined && header !== undefined ? [{ host, header }] : [],
  );

  it.each(known)('is at $host the one that the approval calls usual', ({ host, header }) => {
    expect(chooseSecretHeader(host, undefined, undefined)).toEqual(header);
  });

  it('is `Authorization: Bearer` at any other host', () => {
    expect(chooseSecretHeader('api.example', undefined, undefined)).toEqual({
      name: 'authorization',
      prefix: 'Bearer ',
    });
  });
});
