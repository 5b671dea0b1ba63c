import { CliError, exitCodes } from './cli-error.js';

/** An error as it is shown. */
export interface ErrorReport {
  readonly exit: number;
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  /** Of an error that nobody expected. */
  readonly stack?: string;
}

/**
 * Takes passwords out of URLs: messages of drivers and of a configuration may quote one. A password that
 * nobody encoded may hold `/` and `@`, so all up to the last `@` is taken for it.
 */
export function withoutPasswords(text: string): string {
  return text
    .replaceAll(/(\b[a-z][a-z0-9+.-]*:\/\/)[^\s"'<>]*@/gi, '$1***@')
    .replaceAll(/([?&][a-z_-]*password=)[^\s"'<>&]*/gi, '$1***');
}

function isCoded(error: unknown): error is Error & { code: string; hint?: string } {
  // By name: the engine may come from another installation than this program.
  return error instanceof Error && error.name === 'PzkError' && 'code' in error;
}

/** The code of a driver's error (ECONNREFUSED, a SQLSTATE), wherever in the chain of causes it stands. */
export function driverCode(error: unknown): string | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth++) {
    const code: unknown = Reflect.get(at, 'code');
    if (typeof code === 'string' && /^[A-Z0-9_]{3,40}$/.test(code)) return code;
  }
  return undefined;
}

/** Turns whatever was thrown into what the user is told. */
export function reportError(error: unknown): ErrorReport {
  if (error instanceof CliError) {
    const { exit, code, message, hint } = error;
    return { exit: exitCodes[exit], code, message, ...(hint === undefined ? {} : { hint }) };
  }
  if (isCoded(error)) {
    const isUnavailable = error.code === 'store_unavailable';
    const detail = isUnavailable ? driverCode(error.cause) : undefined;
    const hint =
      error.hint ??
      (isUnavailable
        ? 'Find out what is wrong with: pzk-auth doctor. Look whether it was done before you repeat it.'
        : undefined);
    return {
      exit: isUnavailable ? exitCodes.unavailable : exitCodes.negative,
      code: error.code,
      message: detail === undefined ? error.message : `${error.message} (${detail})`,
      ...(hint === undefined ? {} : { hint }),
    };
  }
  // The engine's word on an argument: a scope that it does not know, a time in the past.
  if (error instanceof TypeError && !('code' in error) && isFromEngine(error)) {
    return { exit: exitCodes.usage, code: 'usage', message: error.message };
  }
  const unexpected = error instanceof Error ? error : new Error(String(error));
  return {
    exit: exitCodes.internal,
    code: 'internal',
    message: withoutPasswords(unexpected.message),
    stack: withoutPasswords(unexpected.stack ?? ''),
  };
}

/** Whether an error was thrown by the engine itself, not by the language inside of it. */
function isFromEngine(error: TypeError): boolean {
  const [, first = ''] = (error.stack ?? '').split(/\n\s*at /);
  return (
    /[/\\](verifier|protocol)[/\\]dist[/\\]/.test(first) &&
    !/^Cannot |is not a /.test(error.message)
  );
}
