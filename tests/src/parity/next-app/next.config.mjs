import { fileURLToPath } from 'node:url';

// It is built below examples/nextjs-app/.cache, where Next.js is at hand.
const workspace = fileURLToPath(new URL('../../../../', import.meta.url));

export default {
  turbopack: { root: workspace },
  outputFileTracingRoot: workspace,
  poweredByHeader: false,
  // Else Next.js answers a path with a slash at its end by a redirection of its own.
  skipTrailingSlashRedirect: true,
  typescript: { ignoreBuildErrors: true },
};
