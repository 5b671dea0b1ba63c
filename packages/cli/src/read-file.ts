import { open } from 'node:fs/promises';
import { usageError } from './cli-error.js';

/**
 * Reads a file of at most so many bytes that the command line names.
 *
 * @throws CliError `usage`
 */
export async function readNamedFile(path: string, maximum: number): Promise<Buffer> {
  let content: Buffer | undefined;
  try {
    const file = await open(path);
    try {
      const { size } = await file.stat();
      if (size <= maximum) content = await file.readFile();
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw usageError(`${path} cannot be read.`, undefined, { cause });
  }
  if (content === undefined || content.length > maximum) {
    throw usageError(`${path} is longer than such a file can be.`);
  }
  return content;
}
