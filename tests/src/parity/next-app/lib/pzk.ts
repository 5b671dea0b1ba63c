import { createOnce, pzkAuth } from '@pzk-auth/nextjs';
import { createVerifier, memoryStores } from '@pzk-auth/verifier';
import { verifierOptions } from './host';

export const verifier = () =>
  createOnce('parity', () => createVerifier({ ...verifierOptions, stores: memoryStores() }));

export const pzk = pzkAuth(verifier);
