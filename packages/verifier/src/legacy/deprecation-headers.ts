import type { ApiKeyPolicy } from './api-key-policy.js';

const STARTED = new Date();

/** What an answer to a plain API key says: `Deprecation` (RFC 9745), `Sunset` (RFC 8594), `Link`. */
export function deprecationHeaders(policy: ApiKeyPolicy): Readonly<Record<string, string>> {
  const { since = STARTED, until, documentation } = policy;
  const links =
    documentation === undefined
      ? []
      : ['deprecation', ...(until === undefined ? [] : ['sunset'])].map(
          (rel) => `<${documentation}>; rel="${rel}"; type="text/html"`,
        );
  return {
    // A date of structured fields (RFC 9651 section 3.3.7).
    deprecation: `@${Math.floor(since.getTime() / 1000)}`,
    ...(until === undefined ? {} : { sunset: until.toUTCString() }),
    ...(links.length === 0 ? {} : { link: links.join(', ') }),
  };
}
