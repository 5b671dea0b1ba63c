/** What the process ends with. Scripts rely on these. */
export const exitCodes = {
  /** Done. */
  done: 0,
  /** The answer is no: there is no such id, a check failed, the chain is broken. */
  negative: 1,
  /** The command line is wrong. Nothing was done. */
  usage: 2,
  /** The configuration is missing or refused. Nothing was done. */
  configuration: 3,
  /** A store did not answer, or stdout took no answer: what was being done may be done or not. */
  unavailable: 4,
  /** A fault of this program. */
  internal: 70,
} as const;

/** Why a command ends without its result. */
export class CliError extends Error {
  override readonly name = 'CliError';

  constructor(
    readonly exit: keyof typeof exitCodes,
    /** Stable, for scripts. */
    readonly code: string,
    message: string,
    /** What to do about it. */
    readonly hint?: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The command line is wrong. */
export function usageError(message: string, hint?: string, options?: ErrorOptions): CliError {
  return new CliError('usage', 'usage', message, hint, options);
}
