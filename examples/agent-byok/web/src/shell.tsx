import { useApprovals, useSession } from '@pzk-auth/react-hooks';
import type { ReactNode } from 'react';
import { ActivityPage } from './activity-page.js';
import { AgentsPage } from './agents-page.js';
import { ApprovalsPage } from './approvals-page.js';
import { DevicesPage } from './devices-page.js';
import { TasksPage } from './tasks-page.js';
import { type Route, useRoute } from './use-route.js';
import { useTasks } from './use-tasks.js';
import { VaultOpenerProvider } from './vault-gate.js';
import { VaultPage } from './vault-page.js';

const LINKS: readonly (readonly [route: Route, title: string])[] = [
  ['tasks', 'Tasks'],
  ['approvals', 'Approvals'],
  ['vault', 'Vault'],
  ['devices', 'Devices'],
  ['agents', 'Agents'],
  ['activity', 'Activity'],
];

/** What a user sees: the pages, with a way to each. */
export function Shell() {
  const session = useSession();
  const route = useRoute();
  const tasks = useTasks();
  const approvals = useApprovals();
  const waiting = 'waiting' in approvals ? approvals.waiting : 0;
  const pages: Record<Route, ReactNode> = {
    tasks: <TasksPage feed={tasks} />,
    vault: <VaultPage />,
    approvals: <ApprovalsPage approvals={approvals} />,
    devices: <DevicesPage />,
    agents: <AgentsPage agent={tasks.agent} />,
    activity: <ActivityPage />,
  };
  return (
    <div className="shell">
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <header className="side">
        <p className="brand">
          <img src="/icon.svg" alt="" /> Errand
        </p>
        <nav aria-label="Pages">
          <ul className="side-links">
            {LINKS.map(([name, title]) => (
              <li key={name}>
                <a
                  className="side-link"
                  href={`#/${name}`}
                  aria-current={name === route ? 'page' : undefined}
                >
                  {title}
                  {name === 'approvals' && waiting > 0 && (
                    <span className="count">
                      {waiting}
                      <span className="visually-hidden"> waiting</span>
                    </span>
                  )}
                </a>
              </li>
            ))}
          </ul>
        </nav>
        <div className="side-end">
          <button type="button" onClick={() => void session.signOut()}>
            Sign out
          </button>
        </div>
      </header>
      <main id="main" tabIndex={-1}>
        <VaultOpenerProvider>{pages[route]}</VaultOpenerProvider>
      </main>
    </div>
  );
}
