import { PROOF_GRANT, RENEW_GRANT } from '@pzk-auth/protocol';
import type { VerifierConfig } from '../config.js';

/** RFC 8414 section 3.1: the issuer's path follows the well-known name. */
function metadataPath(name: string, url: string): string {
  const { pathname } = new URL(url);
  return `/.well-known/${name}${pathname === '/' ? '' : pathname}`;
}

function authorizationServer(config: VerifierConfig): unknown {
  return {
    issuer: config.issuer,
    token_endpoint: `${config.baseUrl}/token`,
    revocation_endpoint: `${config.baseUrl}/revoke`,
    jwks_uri: `${config.baseUrl}/jwks.json`,
    grant_types_supported: [PROOF_GRANT, RENEW_GRANT],
    // RFC 8414 demands the member; there is no authorization endpoint here, so none is supported.
    response_types_supported: [],
    token_endpoint_auth_methods_supported: ['none'],
    revocation_endpoint_auth_methods_supported: ['none'],
    scopes_supported: [...config.scopes],
    dpop_signing_alg_values_supported: ['ES256', 'EdDSA'],
    pzk_challenge_endpoint: `${config.baseUrl}/challenge`,
    pzk_enrollment_endpoint: `${config.baseUrl}/enroll`,
  };
}

function protectedResource(config: VerifierConfig, resource: string): unknown {
  return {
    resource,
    authorization_servers: [config.issuer],
    scopes_supported: [...config.scopes],
    bearer_methods_supported: [],
    dpop_signing_alg_values_supported: ['ES256', 'EdDSA'],
    dpop_bound_access_tokens_required: true,
  };
}

/**
 * The metadata documents by their path at the origin's root: RFC 8414 for the issuer, RFC 9728 for each
 * audience on the same origin.
 */
export function createMetadata(config: VerifierConfig): ReadonlyMap<string, string> {
  const documents = new Map<string, string>();
  const issuerPath = metadataPath('oauth-authorization-server', config.issuer);
  documents.set(issuerPath, JSON.stringify(authorizationServer(config)));
  for (const audience of config.audiences) {
    if (new URL(audience).origin !== new URL(config.issuer).origin) continue;
    const path = metadataPath('oauth-protected-resource', audience);
    documents.set(path, JSON.stringify(protectedResource(config, audience)));
  }
  return documents;
}
