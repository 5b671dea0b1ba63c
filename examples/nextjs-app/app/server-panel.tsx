import type { PageSession } from '@pzk-auth/verifier';
import Link from 'next/link';

/** Rendered on the server, where the page session says who looks. */
export function ServerPanel({ viewer }: { viewer: PageSession | undefined }) {
  return (
    <section className="panel" aria-labelledby="server-title">
      <h2 id="server-title">What the server knows of you</h2>
      {viewer === undefined ? (
        <p className="hint">Nothing: there is no page session. Sign in, and this part changes.</p>
      ) : (
        <div className="stack">
          <dl className="facts">
            <div>
              <dt>Account</dt>
              <dd>
                <code>{viewer.account}</code>
              </dd>
            </div>
            <div>
              <dt>May</dt>
              <dd>{viewer.scopes.join(', ')}</dd>
            </div>
          </dl>
          <p>
            <Link href="/logbook" prefetch={false}>
              Open the logbook
            </Link>
            , a page without any script of ours.
          </p>
        </div>
      )}
    </section>
  );
}
