/** Reads the address of a client out of `X-Forwarded-For`. */
export type ReadAddress = (request: Request) => string | undefined;

/**
 * The address that the outermost of your proxies saw: each appends the address it was called from, so
 * it is the last but `hops - 1`. What stands left of it is the client's own text.
 *
 * @throws TypeError
 */
export function addressBehind(hops: number): ReadAddress {
  if (!Number.isSafeInteger(hops) || hops < 1) {
    throw new TypeError('trustedProxies is the number of your proxies, at least 1.');
  }
  return (request) => {
    const forwarded = request.headers.get('x-forwarded-for')?.split(',') ?? [];
    return forwarded.at(-hops)?.trim() || undefined;
  };
}
