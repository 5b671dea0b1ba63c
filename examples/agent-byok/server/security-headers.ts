import type { RequestHandler } from 'express';

/**
 * The page's policy. `wasm-unsafe-eval` lets the prover's WebAssembly compile, `worker-src` lets its
 * worker load from this origin; scripts and styles inside the HTML are refused.
 */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'self'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "font-src 'self'",
  "connect-src 'self'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

/** What Vite's development server adds to the page: a script inside the HTML and styles by script. */
const DEVELOPMENT_POLICY = CONTENT_SECURITY_POLICY.replace(
  "script-src 'self'",
  "script-src 'self' 'unsafe-inline'",
)
  .replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")
  .replace("connect-src 'self'", "connect-src 'self' ws://localhost:*");

/** Sets the security headers of every answer. */
export function securityHeaders({ development = false } = {}): RequestHandler {
  const headers = {
    'Content-Security-Policy': development ? DEVELOPMENT_POLICY : CONTENT_SECURITY_POLICY,
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    'Referrer-Policy': 'no-referrer',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Permissions-Policy':
      'publickey-credentials-get=(self), publickey-credentials-create=(self), camera=(), geolocation=(), microphone=()',
  };
  return (_req, res, next) => {
    res.set(headers);
    next();
  };
}
