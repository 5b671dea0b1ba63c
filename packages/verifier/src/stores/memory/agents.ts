import type { AgentRow, AgentStore } from '../vault-stores.js';
import { frozenCopy } from './frozen-copy.js';

/** Agents in memory, by the thumbprint of their keys. */
export interface AgentTable {
  readonly store: AgentStore;
  /** Whether one of the keys is that of another account's agent, or there twice. */
  isKnown(account: string, agents: readonly AgentRow[]): boolean;
  /** Puts these in the place of those that the account had. */
  replace(account: string, agents: readonly AgentRow[]): void;
}

/** An empty table of agents. */
export function agentTable(): AgentTable {
  const rows = new Map<string, AgentRow>();
  return {
    store: Object.freeze<AgentStore>({ findByJkt: async (jkt) => rows.get(jkt) }),
    isKnown: (account, agents) =>
      new Set(agents.map(({ jkt }) => jkt)).size !== agents.length ||
      agents.some(({ jkt }) => (rows.get(jkt)?.account ?? account) !== account),
    replace: (account, agents) => {
      for (const [jkt, row] of rows) if (row.account === account) rows.delete(jkt);
      for (const agent of agents) rows.set(agent.jkt, frozenCopy(agent));
    },
  };
}
