import { useVault } from '@pzk-auth/react-hooks';

/** Says, after the vault got new keys, that no agent takes anything until it is paired again. */
export function AgentsStopped() {
  const vault = useVault();
  if (vault.status === 'open' && vault.agents.length === 0) return null;
  return (
    <p>
      Your agents get no key any more until each is paired again, under{' '}
      <a href="#/agents">Agents</a>.
    </p>
  );
}
