import { formatTime } from '../format.js';
import { reportError } from '../report-error.js';
import { type Finding, failed, ok, warning } from './finding.js';
import { type Patient, wouldWrite } from './patient.js';

const DAY = 86_400_000;
/** Older signing keys deserve a rotation. */
const ROTATION_AGE = 90 * DAY;

/** Whether the signing keys open with the secret, and how old the active one is. */
export async function checkKeys({ verifier, options }: Patient): Promise<Finding[]> {
  const rows = await options.stores.signingKeys.list();
  if (rows.length === 0 && (options.signing?.keys ?? []).length === 0) {
    return [ok('keys.signing', 'none so far: the first start makes one')];
  }
  try {
    const keys = await verifier.signingKeys.list();
    const active = keys.find(({ status }) => status === 'active');
    const opened = ok('keys.signing', `${keys.length} open with the secret`);
    if (active === undefined) {
      const hint =
        'Run: pzk-auth signing-keys list. Then rotate, or start the server, which makes one.';
      return [opened, failed('keys.rotation', 'none of them signs now', hint)];
    }
    const age = Date.now() - active.activeFrom;
    const since = `${active.kid} signs since ${formatTime(active.activeFrom)}`;
    return [
      opened,
      age > ROTATION_AGE
        ? warning(
            'keys.rotation',
            `${since}, ${Math.floor(age / DAY)} days`,
            active.origin === 'configured'
              ? 'Add the next key to signing.keys.'
              : 'Run: pzk-auth signing-keys rotate',
          )
        : ok('keys.rotation', since),
    ];
  } catch (error) {
    if (wouldWrite(error)) {
      const message = 'a configured key is not published so far: the next start does that';
      return [warning('keys.signing', message, 'Restart the instances one after the other.')];
    }
    const { message } = reportError(error);
    const hint = 'Is this the secret (and the issuer) that the server runs with?';
    return [failed('keys.signing', message, hint)];
  }
}
