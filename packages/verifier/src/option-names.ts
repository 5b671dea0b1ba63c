/** How many characters two names share at their start and their end. */
function likeness(a: string, b: string): number {
  const shortest = Math.min(a.length, b.length);
  let start = 0;
  while (start < shortest && a[start] === b[start]) start++;
  let end = 0;
  while (end < shortest - start && a.at(-1 - end) === b.at(-1 - end)) end++;
  return start + end;
}

const fold = (name: string) => name.toLowerCase().replaceAll(/[^a-z]/g, '');

function nearestName(name: string, known: readonly string[]): string | undefined {
  let nearest: string | undefined;
  // Half of what was written at least: a guess farther off would lead astray.
  let best = Math.max(3, fold(name).length / 2) - 0.5;
  for (const candidate of known) {
    const found = likeness(fold(name), fold(candidate));
    if (found > best) [best, nearest] = [found, candidate];
  }
  return nearest;
}

/**
 * Refuses what is no object of options, and names that nobody reads: an option that is overlooked
 * because of a typing error is a check that does not happen. The adapters ask it, too.
 *
 * @param where - The function, as the message names it.
 * @param known - The names that are read.
 * @throws TypeError
 */
export function assertOptionNames(where: string, options: unknown, known: readonly string[]): void {
  // Neither list, map nor function: none of their contents would be read as options.
  if (Object.prototype.toString.call(options) !== '[object Object]') {
    throw new TypeError(`${where}: the options must be an object such as { ${known[0]}: ... }.`);
  }
  for (const name of Reflect.ownKeys(options as object)) {
    if (typeof name === 'string' && known.includes(name)) continue;
    const nearest = nearestName(String(name), known);
    throw new TypeError(
      `${where}: unknown option ${String(name)}; ${
        nearest === undefined ? `there are ${known.join(', ')}` : `did you mean ${nearest}?`
      }`,
    );
  }
}
