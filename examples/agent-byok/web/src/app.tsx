import { useSession } from '@pzk-auth/react-hooks';
import { useState } from 'react';
import { JoinPage } from './join-page.js';
import { Shell } from './shell.js';
import { Welcome } from './welcome.js';

/** The page: what a visitor sees, or what a user does. */
export function App({ invitation }: { invitation: string | undefined }) {
  const session = useSession();
  const [joining, setJoining] = useState(invitation !== undefined);
  if (joining && invitation !== undefined) {
    return <JoinPage invitation={invitation} onLeave={() => setJoining(false)} />;
  }
  return session.status === 'active' ? <Shell /> : <Welcome />;
}
