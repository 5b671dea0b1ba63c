import type { ReceiptsVerdict, VerifiedReceipt } from '@pzk-auth/client';
import {
  decodeBase64url,
  isPzkError,
  limits,
  parseJson,
  parseMessage,
  receiptsResponseSchema,
} from '@pzk-auth/protocol';
import { CliError } from '../cli-error.js';
import type { Result } from '../command.js';
import { formatTable } from '../format.js';
import { readNamedFile } from '../read-file.js';

/** Some hundred receipts of the greatest length, many thousands as they are. */
const FILE_BYTES = 64 * 1024 * 1024;

const FLAWS = {
  malformed: 'is malformed',
  manifest: 'has a manifest that its vault did not sign, or that names another receipt before it',
  request: 'has a request that is not of this vault, or not signed by an agent of it',
  approval: 'was approved by no passkey of the vault',
  unlinked: 'does not follow from the one before',
  head: 'is not the one that the head names',
} as const satisfies Record<(ReceiptsVerdict & { valid: false })['flaw'], string>;

/** Reads `{"receipts": [{"number", "receipt"}]}`: an answer of the server, or several put together. */
async function readReceipts(path: string) {
  try {
    const document = parseJson(await readNamedFile(path, FILE_BYTES));
    const list: unknown = Reflect.get(Object(document), 'receipts');
    if (!Array.isArray(list)) throw new TypeError('There is no list of receipts.');
    const pages = Array.from({ length: Math.ceil(list.length / limits.receiptPage) }, (_, page) => {
      const receipts = list.slice(page * limits.receiptPage, (page + 1) * limits.receiptPage);
      return parseMessage(receiptsResponseSchema, { receipts }).receipts;
    });
    return pages.flat().map(({ number, receipt }) => ({
      number,
      receipt: decodeBase64url(receipt),
    }));
  } catch (cause) {
    if (!isPzkError(cause) && !(cause instanceof TypeError)) throw cause;
    const message = 'The file is no list of receipts.';
    const hint =
      'It is JSON as the server answers: {"receipts": [{"number": 1, "receipt": "..."}]}';
    throw new CliError('negative', 'receipts_malformed', message, hint, { cause });
  }
}

function describe({ request, agent, ...receipt }: VerifiedReceipt, number: number) {
  const { issuer, vaultId, requestId, slotId, purpose, host, methods, header, prefix } = request;
  const { uses, ttl, perDay, notAfter } = request;
  return {
    number,
    ...receipt,
    issuer,
    vaultId,
    requestId,
    slotId,
    agent: { id: agent.id, name: agent.name },
    purpose,
    host,
    methods,
    header: { name: header, prefix },
    uses,
    ttl,
    perDay,
    notAfter: notAfter === 0 ? null : new Date(notAfter * 1000).toISOString(),
  };
}

type Description = ReturnType<typeof describe>;

function formatTerm({ uses, ttl, perDay, notAfter }: Description): string {
  return notAfter === null ? `${uses} in ${ttl} s` : `${uses}, ${perDay} a day until ${notAfter}`;
}

/** Whose receipts these are rests on these keys: a reader has to know them, or the head. */
function formatSigners(receipts: readonly Description[]): string[] {
  const signers = receipts.map(({ issuer, vaultId, identityKey }) => {
    return `vault ${vaultId} of ${issuer}\n  identity key ${identityKey}`;
  });
  return [...new Set(signers)];
}

/** What `audit verify --receipts` does. */
export async function verifyReceiptFiles(
  paths: readonly string[],
  { after, head }: { readonly after?: string | undefined; readonly head?: string | undefined },
): Promise<Result> {
  const receipts = (await Promise.all(paths.map(readReceipts))).flat();
  // Here, and not above: no other command needs it.
  const { verifyReceipts } = await import('@pzk-auth/client');
  const verdict = await verifyReceipts({ receipts, after, head });
  if (!verdict.valid) {
    const text = `BROKEN: receipt ${verdict.number} ${FLAWS[verdict.flaw]}`;
    return { json: verdict, text, exit: 'negative' };
  }
  const described = verdict.receipts.map((one, index) => {
    return describe(one, receipts[index]?.number ?? 0);
  });
  const last = described.at(-1)?.hash ?? null;
  const table = formatTable(
    ['NUMBER', 'AGENT', 'HOST', 'METHODS', 'USES', 'SLOT', 'PURPOSE'],
    described.map((one) => [
      String(one.number),
      one.agent.name,
      one.host,
      one.methods.join(' '),
      formatTerm(one),
      one.slotId,
      one.purpose,
    ]),
  );
  const lines = [`ok: ${described.length} receipts`, ...formatSigners(described)];
  const anchored = head !== undefined;
  return {
    json: { valid: true, head: last, anchored, receipts: described },
    text: [table, '', ...lines, ...(last === null ? [] : [`head: ${last}`])].join('\n'),
    ...(anchored
      ? {}
      : {
          note:
            'Without --head it does not show whether receipts were taken away at the end, nor whether ' +
            'all were made anew with other keys. The head stands in the vault: "vault open" of an export ' +
            'prints it.',
        }),
  };
}
