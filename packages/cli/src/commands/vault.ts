import type {
  OpenedVaultExport,
  ReplacedSlot,
  SuccessionReview,
  VaultSlot,
} from '@pzk-auth/client';
import { isPzkError, parseJson, RECOVERY } from '@pzk-auth/protocol';
import { CliError, usageError } from '../cli-error.js';
import type { Command, Result } from '../command.js';
import { formatTable, formatTime } from '../format.js';
import { readNamedFile } from '../read-file.js';
import { readSecret } from '../read-secret.js';

/** A vault with all that it may hold is smaller. */
const EXPORT_BYTES = 1024 * 1024;

async function readExport(path: string): Promise<unknown> {
  try {
    return parseJson(await readNamedFile(path, EXPORT_BYTES));
  } catch (cause) {
    throw isPzkError(cause) ? noExport(cause) : cause;
  }
}

function noExport(cause: unknown): CliError {
  const hint = 'An export is the JSON document that the client made of the vault.';
  return new CliError('negative', 'export_malformed', 'The file is no export of a vault.', hint, {
    cause,
  });
}

/** Names the devices by their ids: names of devices stand nowhere in a vault. */
function describeReview({ by, recipients }: SuccessionReview): string {
  const open = recipients.map(({ id, credential_id: credential }) => {
    return credential === RECOVERY ? `${id} (recovery code)` : `${id} (passkey ${credential})`;
  });
  return (
    `Changed in the name of: ${by.join(', ')}. Open to: ${open.join(', ')}. A device that was taken out could do ` +
    'this together with the server. If you know of the change: --accept-rotation'
  );
}

/** What the user has said beforehand. */
interface Acceptance {
  readonly rotation: boolean;
  readonly damage: boolean;
}

async function openExport(document: unknown, accept: Acceptance): Promise<OpenedVaultExport> {
  // Here, and not above: no other command needs it.
  const { openVaultExport } = await import('@pzk-auth/client');
  const recoveryCode = await readSecret('Recovery code');
  let review: SuccessionReview | undefined;
  let replaced: readonly ReplacedSlot[] = [];
  try {
    return await openVaultExport({
      document,
      recoveryCode,
      approveSuccession: (shown) => {
        review = shown;
        return accept.rotation;
      },
      approveReplacedSlots: (slots) => {
        replaced = slots;
        return accept.damage;
      },
    });
  } catch (cause) {
    if (!isPzkError(cause)) throw cause;
    if (cause.code === 'invalid_request') throw noExport(cause);
    if (cause.code === 'vault_slot_invalid' && replaced.length > 0) {
      const message = 'The file holds other bytes of slots than were signed.';
      const ids = replaced.map(({ id }) => id).join(', ');
      const hint = `Of: ${ids}. To open it without these: --accept-damage`;
      throw new CliError('negative', cause.code, message, hint, { cause });
    }
    if (cause.code !== 'vault_repin_required' || review === undefined) throw cause;
    const message = 'The keys of the vault changed after the recovery code was made.';
    throw new CliError('negative', cause.code, message, describeReview(review), { cause });
  }
}

/** What can be shown and comes back the same: UTF-8 whose only controls are tab and ends of lines. */
function asText(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return /[^\P{Cc}\t\r\n]/u.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

async function readValue(vault: OpenedVaultExport, id: string) {
  const bytes = await vault.readSlot(id);
  try {
    const value = asText(bytes);
    return value === undefined ? { valueBase64: Buffer.from(bytes).toString('base64') } : { value };
  } finally {
    bytes.fill(0);
  }
}

async function showSlot(vault: OpenedVaultExport, slot: VaultSlot): Promise<Result> {
  const value = await readValue(vault, slot.id);
  const json = { ...slot, ...value };
  if (value.value !== undefined) return { json, text: value.value };
  const hint = `Take its base64: --show ${slot.id} --json`;
  throw new CliError('negative', 'not_text', 'The value is no text.', hint);
}

async function listSlots(vault: OpenedVaultExport, reveal: boolean): Promise<Result> {
  const { issuer, vaultId, exportedAt, counter, receiptsHead } = vault;
  const slots: object[] = [];
  for (const slot of vault.slots) {
    slots.push(
      reveal && slot.damaged === undefined && slot.kind !== 'names'
        ? { ...slot, ...(await readValue(vault, slot.id)) }
        : slot,
    );
  }
  const exported = formatTime(exportedAt * 1000);
  return {
    json: { issuer, vaultId, counter, exportedAt: exported, receiptsHead, slots },
    text: formatTable(
      ['ID', 'KIND', 'NAME', 'PROVIDER', 'VERSION', 'DAMAGED'],
      vault.slots.map(({ id, kind, name, provider, version, damaged }) => {
        return [id, kind, name || undefined, provider || undefined, String(version), damaged];
      }),
    ),
    note:
      `Vault ${vaultId} of ${issuer}, state ${counter}, exported ${exported} as the file says; whether ` +
      `it is the newest does not show.${receiptsHead === '' ? '' : ` Head of its receipts: ${receiptsHead}`}`,
  };
}

/** `vault open`. */
export const openVault: Command = {
  name: 'vault open',
  parameters: ['FILE'],
  summary: 'Open an export of a vault with the recovery code, offline.',
  help: [
    'FILE              the export; the code is asked for on the terminal, or read from stdin',
    '--show ID         print the value of one slot to stdout',
    '--reveal          with --json: print all values',
    '--accept-rotation open it also where a device changed its keys after the code was made',
    '--accept-damage   open it also where bytes of single slots are not those that were signed',
  ],
  options: {
    show: { type: 'string' },
    reveal: { type: 'boolean' },
    'accept-rotation': { type: 'boolean' },
    'accept-damage': { type: 'boolean' },
  },
  async run(args) {
    const [path = ''] = args.positionals;
    const show = args.get('show');
    const reveal = args.has('reveal');
    if (reveal && !args.has('json')) throw usageError('--reveal goes with --json.');
    if (reveal && show !== undefined) throw usageError('Either --show or --reveal, not both.');
    const vault = await openExport(await readExport(path), {
      rotation: args.has('accept-rotation'),
      damage: args.has('accept-damage'),
    });
    try {
      if (show === undefined) return await listSlots(vault, reveal);
      const slot = vault.slots.find(({ id }) => id === show);
      if (slot !== undefined) {
        if (!args.has('json')) return await showSlot(vault, slot);
        return { json: { ...slot, ...(await readValue(vault, slot.id)) }, text: '' };
      }
      throw new CliError('negative', 'not_found', 'The vault has no such slot.');
    } finally {
      vault.close();
    }
  },
};
