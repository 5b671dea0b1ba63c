/** What a broker tells its operator: ids and codes, never words of others and never a secret. */
export type Log = (
  event: string,
  fields?: Readonly<Record<string, string | number | undefined>>,
) => void;

/** One line of JSON each, on stderr; systemd puts it into the journal. */
export const logToStderr: Log = (event, fields = {}) => {
  process.stderr.write(`${JSON.stringify({ at: new Date().toISOString(), event, ...fields })}\n`);
};
