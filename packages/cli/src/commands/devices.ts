import { CliError, usageError } from '../cli-error.js';
import type { Command } from '../command.js';
import { withDeployment } from '../deployment.js';
import { devicesToTable, deviceToJson } from '../describe-rows.js';
import { findAccounts, ownerOptions, requireId } from './find-accounts.js';
import { revocationReach } from './reach.js';

/** `devices list`. */
export const listDevices: Command = {
  name: 'devices list',
  summary: 'List the devices of an account or of a user of the application.',
  help: [
    '--account ID      of this account',
    '--user USER       of the accounts linked to this user',
    '--active          without those that are revoked',
  ],
  options: { ...ownerOptions, active: { type: 'boolean' } },
  async run(args, source) {
    if (args.get('account') === undefined && args.get('user') === undefined) {
      throw usageError('Either --account or --user.', 'Account ids: pzk-auth keys list');
    }
    return withDeployment(source, async ({ stores }) => {
      const accounts = (await findAccounts(args, stores)) ?? [];
      const lists = await Promise.all(accounts.map((id) => stores.devices.listByAccount(id)));
      const shown = lists.flat().filter(({ revokedAt }) => {
        return !args.has('active') || revokedAt === undefined;
      });
      return { json: { devices: shown.map(deviceToJson) }, text: devicesToTable(shown) };
    });
  },
};

/** `devices revoke`. */
export const revokeDevice: Command = {
  name: 'devices revoke',
  parameters: ['ID'],
  summary: 'End a device with its sessions and tokens.',
  help: [],
  options: {},
  async run(args, source) {
    const id = requireId(args, 'device');
    return withDeployment(source, async (open) => {
      if (!(await open.verifier.devices.revoke(id))) {
        throw new CliError('negative', 'not_found', 'There is no such device.');
      }
      const reach = revocationReach(open);
      const rotate =
        'The device may have kept the API key: rotate it (pzk-auth keys rotate) if it was lost or stolen.';
      return {
        json: { revoked: { kind: 'device', id }, takesEffect: reach.json },
        text: `revoked device ${id}`,
        note: [reach.note, rotate].filter(Boolean).join('\n'),
      };
    });
  },
};
