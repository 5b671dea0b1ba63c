import { useSession } from '@pzk-auth/react-hooks';
import { useSyncExternalStore } from 'react';
import { useDemo } from './demo-context.js';
import { formatCountdown, formatTime, shorten } from './format.js';
import { useSeconds } from './use-seconds.js';

const CLAIM_TEXT: Readonly<Record<string, string>> = {
  sub: 'the account, a random id',
  client_id: 'id of the key, not the key',
  scope: 'what it may do',
  cnf: 'thumbprint of the key pair that it is bound to',
  jti: 'its own id, by which it can be revoked',
  exp: 'when it ends',
  auth_time: 'when you last touched the passkey',
  amr: 'how you were asked',
  device: 'the device, a random id',
  key_protection: 'what guards the key on this device',
  proof: 'hash of the proof, for the audit',
};

function decodePart(part: string | undefined): Record<string, unknown> {
  const text = atob((part ?? '').replaceAll('-', '+').replaceAll('_', '/'));
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(text, (char) => char.charCodeAt(0))));
}

/** NumericDate claims (RFC 7519 section 2). */
const TIMES: ReadonlySet<string> = new Set(['iat', 'exp', 'auth_time']);

function formatClaim(name: string, value: unknown): string {
  if (TIMES.has(name) && typeof value === 'number') return `${value} (${formatTime(value)})`;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function Claims({ token }: { token: string }) {
  const [header, payload] = token.split('.');
  return (
    <dl className="claims">
      {Object.entries({ ...decodePart(header), ...decodePart(payload) }).map(([name, value]) => (
        <div key={name}>
          <dt>
            <code>{name}</code>
          </dt>
          <dd>
            <code>{shorten(formatClaim(name, value), 64)}</code>
            {CLAIM_TEXT[name] !== undefined && <span className="hint">{CLAIM_TEXT[name]}</span>}
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** The token, decoded. */
export function TokenPanel() {
  const session = useSession();
  const { wire } = useDemo();
  const { accessToken } = useSyncExternalStore(wire.subscribe, wire.getSnapshot);
  const active = session.status === 'active';
  const now = useSeconds(active);
  const left = active ? session.expiresAt - now / 1000 : 0;
  return (
    <section className="panel" aria-labelledby="token-title">
      <h2 id="token-title">The token</h2>
      {!active || accessToken === undefined ? (
        <p className="hint">There is none.</p>
      ) : (
        <div className="stack">
          <p className="hint">
            It ends in {formatCountdown(left)} and works only together with the key pair of this
            device, which no script can read.
          </p>
          <Claims token={accessToken} />
        </div>
      )}
    </section>
  );
}
