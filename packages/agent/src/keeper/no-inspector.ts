/**
 * Imported first by each program here, for its effect: `SIGUSR1` opens Node's inspector at a port of this
 * machine, where any user could read the memory. With a handler the signal does nothing.
 */
process.on('SIGUSR1', () => {});

/** Options by which Node shows or writes memory. */
const SHOWS_MEMORY =
  /^--(?:inspect|debug|heapsnapshot|heap-prof|cpu-prof|report|diagnostic|abort-on)/;

/** Whether this process was started so that its memory can be read from outside. */
export function showsMemory(): boolean {
  // Node takes quotes and backslashes in NODE_OPTIONS, and underscores for dashes.
  const words = (process.env.NODE_OPTIONS ?? '').replaceAll(/["\\]/g, '').split(/\s+/);
  const isAsked = [...process.execArgv, ...words].some((word) =>
    SHOWS_MEMORY.test(word.replaceAll('_', '-')),
  );
  // Whatever else may open it, such as a configuration file of Node.
  const inspector = process.features.inspector
    ? process.getBuiltinModule('node:inspector')
    : undefined;
  return isAsked || inspector?.url() !== undefined;
}
