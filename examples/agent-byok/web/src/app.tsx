import { useSession } from '@pzk-auth/react-hooks';
import { Shell } from './shell.js';
import { Welcome } from './welcome.js';

/** The page: what a visitor sees, or what a user does. */
export function App() {
  const session = useSession();
  return session.status === 'active' ? <Shell /> : <Welcome />;
}
