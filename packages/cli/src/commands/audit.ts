import { readFile } from 'node:fs/promises';
import { usageError } from '../cli-error.js';
import type { Command } from '../command.js';
import { withDeployment } from '../deployment.js';
import { parseAnchor, parseHash } from '../parse-values.js';
import { verifyReceiptFiles } from './receipts.js';

const FLAWS = {
  missing: 'is missing',
  altered: 'was altered',
  unlinked: 'does not follow from the one before',
  anchor_missing: 'is missing: the log ends before the anchor',
  anchor_differs: 'is not the one that the anchor names',
} as const;

async function readAnchor(text: string | undefined, file: string | undefined) {
  if (text !== undefined && file !== undefined) {
    throw usageError('Either --anchor or --anchor-file, not both.');
  }
  if (file === undefined) return text === undefined ? undefined : parseAnchor(text);
  const content = await readFile(file, 'utf8').catch(() => {
    throw usageError(`${file} cannot be read.`);
  });
  return parseAnchor(content);
}

/** `audit verify`. */
export const verifyAudit: Command = {
  name: 'audit verify',
  summary:
    'Check that no entry of the audit log, or no receipt of a vault, was changed or taken out.',
  help: [
    '--anchor HEAD     the head that an earlier run printed: it has to be in the log still',
    '--anchor-file F   the same from a file',
    '--receipts FILE   instead: receipts of releases to agents, offline; repeat it for more files',
    '--head HASH       with --receipts: the hash that the last of them must have',
    '--after HASH      with --receipts: the hash of the one before the first of them',
  ],
  options: {
    anchor: { type: 'string' },
    'anchor-file': { type: 'string' },
    receipts: { type: 'string', multiple: true },
    head: { type: 'string' },
    after: { type: 'string' },
  },
  async run(args, source) {
    const [receipts, after, head] = [args.all('receipts'), args.get('after'), args.get('head')];
    if (receipts.length > 0) {
      if (args.get('anchor') !== undefined || args.get('anchor-file') !== undefined) {
        throw usageError('An anchor is of the audit log: receipts have --head.');
      }
      return verifyReceiptFiles(receipts, {
        after: after === undefined ? undefined : parseHash('after', after),
        head: head === undefined ? undefined : parseHash('head', head),
      });
    }
    if (after !== undefined || head !== undefined) {
      throw usageError('--head and --after go with --receipts.');
    }
    const anchor = await readAnchor(args.get('anchor'), args.get('anchor-file'));
    return withDeployment(source, async ({ engine, stores, verifier }) => {
      const verdict = await engine.verifyAuditChain(stores, {
        issuer: verifier.issuer,
        ...(anchor === undefined ? {} : { anchor }),
      });
      if (!verdict.valid) {
        const text = `BROKEN: entry ${verdict.seq} ${FLAWS[verdict.flaw]}`;
        return { json: verdict, text, exit: 'negative' };
      }
      const { entries, head } = verdict;
      const mark = head === undefined ? null : `${head.seq}:${head.hash}`;
      return {
        json: { valid: true, entries, head: mark },
        text: `ok: ${entries} entries${mark === null ? '' : `\nhead: ${mark}`}`,
        note:
          'Keep the head in another place and pass it as --anchor next time: whoever can write the ' +
          'store could make the whole chain anew.',
      };
    });
  },
};
