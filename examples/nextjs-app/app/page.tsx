import { origin, pzk } from '../lib/pzk';
import { CallPanel } from './call-panel';
import { Providers } from './providers';
import { ServerPanel } from './server-panel';
import { SessionPanel } from './session-panel';

export default async function Page() {
  const viewer = await pzk.auth();
  return (
    <>
      <header>
        <p className="brand">Weather desk</p>
        <h1>One key, two kinds of session.</h1>
        <p className="lead">
          This browser proves that it has the API key and never sends it. Calls carry tokens bound
          to this device; pages that the server renders go by a cookie that can do nothing else.
        </p>
      </header>
      <main id="main" tabIndex={-1}>
        <Providers issuer={origin()}>
          <SessionPanel />
          <CallPanel />
        </Providers>
        <ServerPanel viewer={viewer} />
      </main>
    </>
  );
}
