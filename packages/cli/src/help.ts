import { readFileSync } from 'node:fs';
import type { Command } from './command.js';
import { commands } from './commands/index.js';

const COMMON = [
  '--config FILE     the deployment (default: pzk.config.mjs or pzk.config.js here)',
  '--env-file FILE   set the variables of this file first; those that are set stay',
  '--json            one JSON document on stdout, errors as JSON on stderr',
  '-h, --help        this text',
];

const EXITS = 'exit codes: 0 done, 1 no, 2 usage, 3 configuration, 4 unavailable, 70 fault of ours';

const indent = (lines: readonly string[]) => lines.map((line) => `  ${line}`);

/** The help on one command. */
export function commandHelp(command: Command): string {
  const usage = ['pzk-auth', command.name, ...(command.parameters ?? []), '[options]'].join(' ');
  return [usage, '', command.summary, '', ...indent([...command.help, ...COMMON]), '', EXITS].join(
    '\n',
  );
}

/** The help on all of them. */
export function generalHelp(): string {
  const names = commands.map(({ name, parameters = [] }) => [name, ...parameters].join(' '));
  const width = Math.max(...names.map((name) => name.length));
  const lines = commands.map(({ summary }, index) => {
    return `${(names[index] ?? '').padEnd(width)}  ${summary}`;
  });
  return [
    'pzk-auth COMMAND [options]',
    '',
    ...indent(lines),
    '',
    ...indent([...COMMON, '--version         of this program']),
    '',
    EXITS,
  ].join('\n');
}

/** Version of this program. */
export function readVersion(): string {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return JSON.parse(manifest).version;
}
