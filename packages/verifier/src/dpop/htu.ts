/** Percent-encodings of unreserved characters name the character itself (RFC 3986 section 6.2.2.2). */
function normalizeEncoding(path: string): string {
  return path.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => {
    const character = String.fromCharCode(Number.parseInt(hex, 16));
    return /[A-Za-z0-9._~-]/.test(character) ? character : `%${hex.toUpperCase()}`;
  });
}

/**
 * A URI as RFC 3986 writes it, without user information. The URL parser would repair spaces,
 * backslashes and missing slashes: what was signed would then be another text than what was judged.
 */
const ABSOLUTE_URI = /^https?:\/\/(?=[^/?#@]+([/?#]|$))[!-[\]-~]+$/i;

const canonicalCache = new Map<string, string>();
const CACHE_SIZE = 1000;

/**
 * The canonical form of a target URI for the `htu` comparison (RFC 9449 section 4.3): scheme and host
 * in lower case, default port gone, dot segments resolved, query and fragment cut off. Undefined if it
 * is no http(s) URI or carries credentials.
 */
export function canonicalizeHtu(text: string): string | undefined {
  const cached = canonicalCache.get(text);
  if (cached !== undefined) return cached;
  if (!ABSOLUTE_URI.test(text)) return undefined;
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return undefined;
  }
  const canonical = url.origin + normalizeEncoding(url.pathname);
  if (text.length <= 512) {
    if (canonicalCache.size >= CACHE_SIZE) canonicalCache.clear();
    canonicalCache.set(text, canonical);
  }
  return canonical;
}
