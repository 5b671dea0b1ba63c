const REGISTRY = Symbol.for('@pzk-auth/nextjs/create-once');

type Registry = Map<string, unknown>;

function registry(): Registry {
  const holder = globalThis as { [REGISTRY]?: Registry };
  holder[REGISTRY] ??= new Map();
  return holder[REGISTRY];
}

/**
 * Creates something once per process. Next.js evaluates a module anew at each hot reload, and once for
 * each bundle that holds it (route handlers, pages, proxy): without this each of them would have
 * stores and worker threads of its own. A change of what `create` makes needs a restart.
 *
 * @param name - Of this thing, unique in the process.
 * @param create - Called for the first caller. If it throws, the next caller tries again.
 *
 * @example
 * ```ts
 * export const verifier = createOnce('verifier', () => createVerifier({ ... }));
 * ```
 */
export function createOnce<T>(name: string, create: () => T): T {
  const created = registry();
  if (!created.has(name)) created.set(name, create());
  return created.get(name) as T;
}
