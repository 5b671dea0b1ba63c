import { PROOF_GRANT, RENEW_GRANT } from '@pzk-auth/protocol';
import type { VerifierConfig } from '../config.js';

/** The metadata documents of an issuer. */
export interface Metadata {
  /** By their path at the origin's root. */
  readonly documents: ReadonlyMap<string, string>;
  /** Address of the document of an audience, where this process serves it. */
  urlOf(audience: string): string | undefined;
}

/** RFC 8414 section 3.1, RFC 9728 section 3.1: the path of the identifier follows the well-known name. */
function metadataPath(name: string, url: string): string {
  const { pathname } = new URL(url);
  return `/.well-known/${name}${pathname === '/' ? '' : pathname}`;
}

const ALGORITHMS = ['ES256', 'EdDSA'];

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
    ...(config.resourceServers.size === 0
      ? {}
      : {
          introspection_endpoint: `${config.baseUrl}/introspect`,
          introspection_endpoint_auth_methods_supported: ['client_secret_basic'],
        }),
    scopes_supported: [...config.scopes],
    dpop_signing_alg_values_supported: ALGORITHMS,
    // RFC 9728 section 4.
    protected_resources: [...config.audiences],
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
    dpop_signing_alg_values_supported: ALGORITHMS,
    dpop_bound_access_tokens_required: true,
  };
}

/**
 * Makes the metadata documents: RFC 8414 for the issuer, RFC 9728 for each audience on the origin of the
 * issuer or on that of `publicUrl`, which are the origins that this process answers for. The Host header
 * is never read: of two audiences that differ by their origin alone the issuer's is served.
 */
export function createMetadata(config: VerifierConfig): Metadata {
  const documents = new Map<string, string>();
  const served = new Map<string, string>();
  const issuerPath = metadataPath('oauth-authorization-server', config.issuer);
  documents.set(issuerPath, JSON.stringify(authorizationServer(config)));
  const origins = [new URL(config.issuer).origin, new URL(config.publicUrl).origin];
  for (const origin of new Set(origins)) {
    for (const audience of config.audiences) {
      const path = metadataPath('oauth-protected-resource', audience);
      if (new URL(audience).origin !== origin || documents.has(path)) continue;
      documents.set(path, JSON.stringify(protectedResource(config, audience)));
      served.set(audience, origin + path);
    }
  }
  return { documents, urlOf: (audience) => served.get(audience) };
}
