import * as v from 'valibot';
import { isBase64url } from '../base64url.js';
import { isDisplayText } from '../display-text.js';
import { isFieldElement } from '../field.js';
import { limits } from '../limits.js';

/** Canonical base64url of exactly so many bytes. */
export function base64urlBytes(length: number) {
  const characters = Math.ceil((length * 4) / 3);
  return v.pipe(
    v.string(),
    v.length(characters),
    v.check((text) => isBase64url(text, length)),
  );
}

/** Canonical base64url of a number of bytes between two bounds, both included. */
export function base64urlBetween(minimum: number, maximum: number) {
  return v.pipe(
    v.string(),
    v.minLength(Math.ceil((minimum * 4) / 3)),
    v.maxLength(Math.ceil((maximum * 4) / 3)),
    v.check((text) => isBase64url(text)),
  );
}

/**
 * A list with bounds on its length, both included. The length is looked at first: nothing of a list
 * that is too long is parsed.
 */
export function boundedArray<T extends v.GenericSchema>(item: T, minimum: number, maximum: number) {
  return v.pipe(
    v.custom<readonly unknown[]>(
      (value) => Array.isArray(value) && value.length >= minimum && value.length <= maximum,
    ),
    v.array(item),
  );
}

/** A random id of 16 bytes. */
export const identifier = base64urlBytes(16);

/** Stands for the credential id of a recovery code's recipient. */
export const RECOVERY = 'recovery';

/**
 * A credential id (WebAuthn L3 section 5.1: at most 1023 bytes). Never `recovery`, which is the
 * spelling of six bytes, too.
 */
export const credentialId = v.pipe(
  base64urlBetween(1, 1023),
  v.check((text) => text !== RECOVERY),
);

/** A public key on P-256, uncompressed SEC1. Whether it lies on the curve shows when it is imported. */
export const publicPoint = base64urlBytes(65);

/** ECDSA signature on P-256, 64 bytes r and s. */
export const signature = base64urlBytes(64);

/** Seconds since the epoch. */
export const seconds = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** A number of things, from 0. */
export const amount = seconds;

/** A random id that the server made, in a form of its own. */
export const serverId = v.pipe(v.string(), v.regex(/^[A-Za-z0-9._-]{1,128}$/));

/** Text that is shown to people: a name, or with the minimum 0 a reason. */
export function displayText(minimum: number, maximum: number) {
  return v.pipe(
    v.string(),
    v.check((text) => isDisplayText(text, minimum, maximum)),
  );
}

/** An object and no list, which would pass for an object none of whose members has to be there. */
export const plainObject = v.custom<Record<string, unknown>>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
);

/** Body of a request that says nothing. */
export const emptyRequestSchema = v.pipe(plainObject, v.strictObject({}));

/** A counter that starts with 1. */
export const count = v.pipe(v.number(), v.safeInteger(), v.minValue(1));

/** RFC 7638 thumbprint with SHA-256. */
export const thumbprint = base64urlBytes(32);

/** A nonce: opaque to the client. */
export const nonceText = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9_-]+$/),
  v.minLength(64),
  v.maxLength(limits.nonceBytes),
);

/** A field element in canonical decimal. */
export const fieldElement = v.pipe(
  v.string(),
  v.maxLength(77),
  v.check((text) => isFieldElement(text)),
);

/** A Groth16 proof, 256 bytes; its coordinates are checked by `parseProof`. */
export const proofText = base64urlBytes(256);

/** An id of a circuit. Looked up in a `Map`, so no name reaches a prototype. */
export const circuitId = v.pipe(v.string(), v.regex(/^[a-z0-9-]{1,32}\/v[0-9]{1,4}$/));

/** An issuer: an https URL (http for localhost), without query and fragment. */
export const issuerUrl = v.pipe(v.string(), v.url(), v.maxLength(limits.identifierCharacters));

/** A scope string; canonicalised after parsing. */
export const scopeText = v.pipe(v.string(), v.maxLength(limits.scopeBytes));
