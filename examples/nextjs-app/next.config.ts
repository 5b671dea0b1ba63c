import { fileURLToPath } from 'node:url';
import type { NextConfig } from 'next';

// Where package-lock.json is. Without it Next.js guesses, and may take a directory above.
const workspace = fileURLToPath(new URL('../../', import.meta.url));

const config: NextConfig = {
  turbopack: { root: workspace },
  outputFileTracingRoot: workspace,
  ...(process.env.NEXT_OUTPUT === 'standalone' ? { output: 'standalone' } : {}),
  poweredByHeader: false,
};

export default config;
