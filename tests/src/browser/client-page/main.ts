import { createClient } from '@pzk-auth/client';

const { issuer } = document.documentElement.dataset as { issuer: string };
// What a page of an application has; a test does in its place what a user does.
Object.assign(globalThis, { client: createClient({ issuer, scope: ['vault'] }) });
