import * as v from 'valibot';
import { base64urlBetween, boundedArray, credentialId } from './wire-types.js';

/**
 * The extension outputs that may travel. `prf.results` is not among them and cannot pass: it is the
 * secret itself.
 */
const clientExtensionResults = v.strictObject({
  prf: v.optional(v.strictObject({ enabled: v.optional(v.boolean()) })),
  credProps: v.optional(v.strictObject({ rk: v.optional(v.boolean()) })),
});

const authenticatorAttachment = v.optional(v.picklist(['platform', 'cross-platform']));

/** `RegistrationResponseJSON` (WebAuthn L3 section 5.5), by allow-list. */
export const registrationSchema = v.strictObject({
  id: credentialId,
  rawId: credentialId,
  type: v.literal('public-key'),
  authenticatorAttachment,
  clientExtensionResults,
  response: v.strictObject({
    clientDataJSON: base64urlBetween(32, 4096),
    attestationObject: base64urlBetween(37, 16 * 1024),
    transports: v.optional(boundedArray(v.pipe(v.string(), v.regex(/^[a-z-]{1,32}$/)), 0, 8)),
  }),
});

/** `AuthenticationResponseJSON` (WebAuthn L3 section 5.5), by allow-list. */
export const assertionSchema = v.strictObject({
  id: credentialId,
  rawId: credentialId,
  type: v.literal('public-key'),
  authenticatorAttachment,
  clientExtensionResults,
  response: v.strictObject({
    clientDataJSON: base64urlBetween(32, 4096),
    authenticatorData: base64urlBetween(37, 4096),
    signature: base64urlBetween(8, 1024),
    userHandle: v.optional(base64urlBetween(1, 64)),
  }),
});

/** A passkey's registration on the wire. */
export type Registration = v.InferOutput<typeof registrationSchema>;

/** A passkey's assertion on the wire. */
export type Assertion = v.InferOutput<typeof assertionSchema>;
