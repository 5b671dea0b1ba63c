import type { Bytes } from '@pzk-auth/protocol';
import { importRecipientSecret, RECIPIENT_SECRET_BYTES } from '../vault/recipient-secret.js';
import type { DeviceSecretRecord } from './client-records.js';

const AES_GCM = { name: 'AES-GCM', length: 256 } as const;

const additionalData = (credentialId: string) => new TextEncoder().encode(credentialId);

/**
 * Makes the secret that stands in for a PRF output: random, encrypted under a key that the browser
 * does not export. Weaker than PRF: a script of this origin can use it without any touch, though not
 * carry it away.
 */
export async function createDeviceSecret(
  credentialId: string,
): Promise<{ readonly record: DeviceSecretRecord; readonly secret: CryptoKey }> {
  const key = await crypto.subtle.generateKey(AES_GCM, false, ['encrypt', 'decrypt']);
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const bytes: Bytes = crypto.getRandomValues(new Uint8Array(RECIPIENT_SECRET_BYTES));
  const parameters = { name: 'AES-GCM', iv, additionalData: additionalData(credentialId) };
  const ciphertext = new Uint8Array(await crypto.subtle.encrypt(parameters, key, bytes));
  return { record: { key, iv, ciphertext }, secret: await importRecipientSecret(bytes) };
}

/** Brings a stored device secret back as a non-extractable HKDF key. */
export async function openDeviceSecret(
  credentialId: string,
  { key, iv, ciphertext }: DeviceSecretRecord,
): Promise<CryptoKey> {
  const parameters = { name: 'AES-GCM', iv, additionalData: additionalData(credentialId) };
  const bytes = new Uint8Array(await crypto.subtle.decrypt(parameters, key, ciphertext));
  return importRecipientSecret(bytes);
}
