import { parseArgs } from 'node:util';
import { exitCodes, usageError } from './cli-error.js';
import type { Arguments, Command, OptionSpecs } from './command.js';
import { commands } from './commands/index.js';
import { formatJson, printableLines } from './format.js';
import { commandHelp, generalHelp, readVersion } from './help.js';
import { joinDashes } from './join-dashes.js';
import { reportError } from './report-error.js';

const COMMON_OPTIONS = {
  config: { type: 'string' },
  'env-file': { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const satisfies OptionSpecs;

function findCommand(words: readonly string[]): Command | undefined {
  return commands.find(({ name }) => name.split(' ').every((word, index) => words[index] === word));
}

/** Names where the words could lead; text of the user is not repeated. */
function unknownCommand(words: readonly string[]): Error {
  const group = commands.filter(({ name }) => name.split(' ')[0] === words[0]);
  const hint =
    group.length > 0
      ? `There are: ${group.map(({ name }) => name).join(', ')}.`
      : 'See: pzk-auth --help';
  const isOption = words[0]?.startsWith('-') === true;
  return usageError(isOption ? 'The command comes first.' : 'There is no such command.', hint);
}

function parseCommandLine(command: Command, rest: readonly string[]): Arguments {
  const options = { ...command.options, ...COMMON_OPTIONS };
  let parsed: ReturnType<typeof parseArgs>;
  try {
    parsed = parseArgs({
      args: joinDashes(rest, options),
      options,
      allowPositionals: true,
    });
  } catch (error) {
    const [message = ''] = error instanceof Error ? error.message.split('. ') : [];
    throw usageError(`${message.replace(/\.$/, '')}.`, `See: pzk-auth ${command.name} --help`);
  }
  const { values, positionals } = parsed;
  const wanted = command.parameters ?? [];
  const least = wanted.filter((name) => !name.startsWith('[')).length;
  if (!values.help && (positionals.length < least || positionals.length > wanted.length)) {
    throw usageError(
      'More or fewer words than it takes.',
      `pzk-auth ${[command.name, ...wanted].join(' ')} [options]`,
    );
  }
  return {
    positionals,
    get: (name) => values[name] as string | undefined,
    all: (name) => (values[name] as string[] | undefined) ?? [],
    has: (name) => values[name] === true,
  };
}

/** A variable that is set already wins, as in Node itself. */
function loadEnvironment(file: string | undefined): void {
  if (file === undefined) return;
  try {
    process.loadEnvFile(file);
  } catch {
    throw usageError(`${file} cannot be read as a file of variables.`);
  }
}

const print = (text: string) => process.stdout.write(`${text}\n`);

async function runCommand(words: readonly string[]): Promise<number> {
  const command = findCommand(words);
  if (command === undefined) {
    if (words.length === 0 || words.includes('--help') || words.includes('-h')) {
      print(generalHelp());
      return words.length === 0 ? exitCodes.usage : exitCodes.done;
    }
    if (words[0] === '--version') {
      print(readVersion());
      return exitCodes.done;
    }
    throw unknownCommand(words);
  }
  const args = parseCommandLine(command, words.slice(command.name.split(' ').length));
  if (args.has('help')) {
    print(commandHelp(command));
    return exitCodes.done;
  }
  loadEnvironment(args.get('env-file'));
  const result = await command.run(args, { config: args.get('config') });
  if (args.has('json')) {
    print(formatJson(result.json, 2));
  } else {
    print(result.text);
    if (result.note !== undefined) process.stderr.write(`${result.note}\n`);
  }
  return exitCodes[result.exit ?? 'done'];
}

/** Tells of an error on stderr and returns the exit code for it. */
export function printError(words: readonly string[], error: unknown): number {
  const { exit, code, message, hint, stack } = reportError(error);
  if (words.includes('--json')) {
    const body = { code, message, ...(hint === undefined ? {} : { hint }) };
    process.stderr.write(`${formatJson({ error: body })}\n`);
  } else {
    const lines = [`pzk-auth: ${code}: ${message}`];
    if (hint !== undefined) lines.push(`  ${hint}`);
    if (stack !== undefined) lines.push(stack);
    process.stderr.write(`${printableLines(lines.join('\n'))}\n`);
  }
  return exit;
}

/** Runs a command line and returns the exit code. Never rejects. */
export async function run(words: readonly string[]): Promise<number> {
  try {
    return await runCommand(words);
  } catch (error) {
    return printError(words, error);
  }
}
