import { PzkProvider } from '@pzk-auth/react-hooks';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.js';
import { takeInvitation } from './invitation-link.js';
import { isOpenedByAddress, LocalhostNotice } from './localhost-notice.js';
import './styles.css';
import { VaultQuestionsProvider } from './vault-questions.js';

const OPTIONS = { issuer: location.origin, scope: ['tasks'] };

const invitation = takeInvitation();

const root = document.getElementById('root');
if (root === null) throw new Error('There is no #root.');
createRoot(root).render(
  <StrictMode>
    {isOpenedByAddress() ? (
      <LocalhostNotice />
    ) : (
      <PzkProvider options={OPTIONS} resume>
        <VaultQuestionsProvider>
          <App invitation={invitation} />
        </VaultQuestionsProvider>
      </PzkProvider>
    )}
  </StrictMode>,
);
