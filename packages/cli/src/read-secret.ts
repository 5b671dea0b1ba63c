import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { usageError } from './cli-error.js';

/** Longer than what is asked for; bounds what is read. */
const MAXIMUM_CHARACTERS = 4096;

/** Asks on the terminal and shows nothing of what is typed. */
function askTerminal(prompt: string): Promise<string> {
  return new Promise((resolve, reject) => {
    // Readline edits the line on its output, so this is where the echo ends.
    const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
    const lines = createInterface({
      input: process.stdin,
      output: nowhere,
      terminal: true,
      historySize: 0,
    });
    const end = (settle: () => void) => {
      lines.removeAllListeners();
      lines.close();
      process.stderr.write('\n');
      settle();
    };
    lines.once('line', (line) => end(() => resolve(line)));
    for (const event of ['SIGINT', 'close'] as const) {
      lines.once(event, () => end(() => reject(usageError('Nothing was typed.'))));
    }
    process.stderr.write(`${prompt}: `);
  });
}

async function readStdin(): Promise<string> {
  let text = '';
  for await (const chunk of process.stdin.setEncoding('utf8')) {
    text += chunk;
    if (text.length > MAXIMUM_CHARACTERS) break;
  }
  return text;
}

/**
 * Takes a secret from the terminal without echo, or from stdin where that is none: never from the
 * command line, which other users see and shells keep. It is a string, which nobody can overwrite.
 *
 * @throws CliError `usage` where nothing came
 */
export async function readSecret(prompt: string): Promise<string> {
  const text = process.stdin.isTTY ? await askTerminal(prompt) : await readStdin();
  if (text.trim() === '') throw usageError(`${prompt}: nothing came on stdin.`);
  return text;
}
