import { describe, expect, expectTypeOf, it } from 'vitest';
import type {
  Bytes,
  ChallengeResponse,
  EnrollRequest,
  FieldElement,
  KeyMaterial,
  Label,
  LengthPrefixedPart,
  PasskeyEnrollment,
  ProofGrant,
  PzkErrorCode,
  RenewGrant,
  SlotKind,
  TokenResponse,
  VaultEntry,
  VaultManifest,
  WireErrorCode,
} from '../src/index.js';
import * as protocol from '../src/index.js';

describe('types of the public surface', () => {
  it('hashes and encodings', () => {
    expectTypeOf(protocol.lp).toEqualTypeOf<(...parts: readonly LengthPrefixedPart[]) => Bytes>();
    expectTypeOf(protocol.parseFieldElement).parameter(0).toEqualTypeOf<unknown>();
    expectTypeOf(protocol.formatFieldElement).returns.toEqualTypeOf<FieldElement>();
    expectTypeOf(protocol.parseProof).toEqualTypeOf<(text: string) => Bytes>();
    expectTypeOf(protocol.packKey).returns.toEqualTypeOf<KeyMaterial>();
    expectTypeOf(protocol.computeCommitment).returns.toEqualTypeOf<FieldElement>();
    expectTypeOf(protocol.parseJson).returns.toEqualTypeOf<unknown>();
    expectTypeOf<Label>().toExtend<`pzk-auth/v1/${string}`>();
  });

  it('an isomorphic guard narrows', () => {
    const value: unknown = '1';
    if (protocol.isFieldElement(value)) expectTypeOf(value).toEqualTypeOf<string>();
    if (protocol.isPzkError(value)) expectTypeOf(value.code).toEqualTypeOf<PzkErrorCode>();
    expect(protocol.isFieldElement(value)).toBe(true);
  });

  it('messages', () => {
    const { parseMessage } = protocol;
    expectTypeOf(parseMessage<ChallengeResponse>)
      .parameter(1)
      .toEqualTypeOf<unknown>();
    expectTypeOf(() =>
      parseMessage(protocol.tokenResponseSchema, {}),
    ).returns.toEqualTypeOf<TokenResponse>();
    expectTypeOf(() =>
      parseMessage(protocol.vaultEntrySchema, {}),
    ).returns.toEqualTypeOf<VaultEntry>();
    expectTypeOf<ProofGrant['grant_type']>().toEqualTypeOf<'urn:pzk-auth:grant-type:proof'>();
    expectTypeOf<RenewGrant['grant_type']>().toEqualTypeOf<'urn:pzk-auth:grant-type:renew'>();
    expectTypeOf<PasskeyEnrollment>().toExtend<EnrollRequest>();
    expectTypeOf<TokenResponse['token_type']>().toEqualTypeOf<'DPoP'>();
    // A context never comes from a client, so no message has one.
    expectTypeOf<ProofGrant>().not.toHaveProperty('context');
    expectTypeOf<VaultManifest['agents']>().toEqualTypeOf<
      { id: string; name: string; key: string }[]
    >();
    expectTypeOf<SlotKind>().toEqualTypeOf<'api-key' | 'secret' | 'names'>();
  });

  it('error codes are a closed union', () => {
    expectTypeOf<WireErrorCode>().toExtend<PzkErrorCode>();
    expectTypeOf<string>().not.toExtend<PzkErrorCode>();
    expectTypeOf(protocol.PzkError).toBeConstructibleWith('busy', 'Busy.', { hint: 'Wait.' });
    // @ts-expect-error: no such code.
    expectTypeOf(protocol.PzkError).toBeConstructibleWith('no_such_code', 'Busy.');
  });

  it('exports nothing by accident', () => {
    expect(Object.keys(protocol).sort()).toMatchSnapshot();
  });
});
