import { createClient } from '@pzk-auth/client';
import { PzkProvider } from '@pzk-auth/react-hooks';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.js';
import { DemoContext } from './demo-context.js';
import { createFlow } from './flow.js';
import { isOpenedByAddress, LocalhostNotice } from './localhost-notice.js';
import './styles.css';
import { createWireLog } from './wire-log.js';

function renderApp() {
  // An application would write `<PzkProvider options={{ issuer, scope }}>`; here the demo listens in.
  const wire = createWireLog();
  const client = createClient({
    issuer: location.origin,
    // What this API issues. A mistyped key is refused before a passkey is made for it.
    keyPattern: /^pzk_[0-9A-Za-z]{49}$/,
    scope: ['weather:read', 'weather:write'],
    fetch: wire.fetch,
  });
  const demo = { wire, flow: createFlow(client) };
  return (
    <PzkProvider client={client}>
      <DemoContext value={demo}>
        <App />
      </DemoContext>
    </PzkProvider>
  );
}

const root = document.getElementById('root');
if (root === null) throw new Error('There is no #root.');
createRoot(root).render(
  <StrictMode>{isOpenedByAddress() ? <LocalhostNotice /> : renderApp()}</StrictMode>,
);
