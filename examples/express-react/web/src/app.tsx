import { AttacksPanel } from './attacks-panel.js';
import { CallsPanel } from './calls-panel.js';
import { OperatorPanel } from './operator-panel.js';
import { SearchPanel } from './search-panel.js';
import { SessionPanel } from './session-panel.js';
import { StepsPanel } from './steps-panel.js';
import { StoredPanel } from './stored-panel.js';
import { TokenPanel } from './token-panel.js';
import { useStored } from './use-stored.js';
import { WirePanel } from './wire-panel.js';

/** The page. */
export function App() {
  const { tables, refresh } = useStored();
  return (
    <>
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <header>
        <p className="brand">Weather desk</p>
        <h1>The API never sees the key.</h1>
        <p className="lead">
          Enter an API key once. From then on this browser proves that it has it, and calls the API
          with tokens of five minutes that work nowhere else.
        </p>
      </header>
      <main id="main" tabIndex={-1}>
        <div className="stage">
          <SessionPanel />
          <StepsPanel />
          <CallsPanel />
          <AttacksPanel />
        </div>
        <p className="divider">Behind the scenes</p>
        <div className="columns">
          <div className="column">
            <TokenPanel />
            <WirePanel />
          </div>
          <div className="column">
            <SearchPanel tables={tables} />
            <StoredPanel tables={tables} onRefresh={refresh} />
            <OperatorPanel tables={tables} onChange={refresh} />
          </div>
        </div>
      </main>
      <footer>
        <p>
          An example of PZK-Auth. The server that serves this page could also serve a page that
          steals keys: what you see here protects what is stored and sent.
        </p>
      </footer>
    </>
  );
}
