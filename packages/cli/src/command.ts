import type { ParseArgsConfig } from 'node:util';
import type { DeploymentSource } from './deployment.js';

/** Options of a command, as `parseArgs` of Node takes them. */
export type OptionSpecs = NonNullable<ParseArgsConfig['options']>;

/** What the command line gave. */
export interface Arguments {
  readonly positionals: readonly string[];
  /** The value of an option that takes one. */
  get(name: string): string | undefined;
  /** The values of an option that may be repeated. */
  all(name: string): readonly string[];
  /** Whether a flag was set. */
  has(name: string): boolean;
}

/** What a command found or did. */
export interface Result {
  /** For `--json`. */
  readonly json: unknown;
  /** For people, on stdout. */
  readonly text: string;
  /** For people beside it, on stderr; not printed with `--json`. */
  readonly note?: string;
  /** Default: done. */
  readonly exit?: 'done' | 'negative';
}

/** A command. */
export interface Command {
  /** As it is typed, e.g. `keys issue`. */
  readonly name: string;
  /** Its positional arguments, as the help shows them. */
  readonly parameters?: readonly string[];
  readonly summary: string;
  /** Lines of help on the options. */
  readonly help: readonly string[];
  readonly options: OptionSpecs;
  run(args: Arguments, source: DeploymentSource): Promise<Result>;
}
