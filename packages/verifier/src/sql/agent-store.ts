import type { Transaction } from 'kysely';
import * as v from 'valibot';
import type { AgentRow, AgentStore } from '../stores/vault-stores.js';
import { column, parseRow } from './columns.js';
import type { SqlSchema } from './schema.js';
import type { SqlSession } from './sql-session.js';

const agentSchema = v.pipe(
  v.object({
    account: column.text,
    id: column.text,
    name: column.text,
    public_key: column.text,
    jkt: column.text,
  }),
  v.transform(
    (row): AgentRow => ({
      account: row.account,
      id: row.id,
      name: row.name,
      key: row.public_key,
      jkt: row.jkt,
    }),
  ),
);

const agentsSchema = v.array(agentSchema);

function isSame(a: AgentRow | undefined, b: AgentRow): boolean {
  return a?.id === b.id && a.name === b.name && a.key === b.key;
}

/**
 * Puts agents in the place of those that the account has; `known`, and then the transaction must not be
 * committed, if a key is that of another account's agent or there twice. The caller holds the vault's
 * lock, so nobody else changes the account's. Only what changes is written, in the order of the keys,
 * and what goes is deleted last: accounts that add each other's keys do not wait in a circle.
 */
export async function replaceAgents(
  db: Transaction<SqlSchema>,
  issuer: string,
  account: string,
  agents: readonly AgentRow[],
): Promise<'replaced' | 'known'> {
  const next = new Map(agents.map((agent) => [agent.jkt, agent]));
  if (next.size !== agents.length) return 'known';
  const stored = new Map(
    parseRow(
      agentsSchema,
      await db
        .selectFrom('pzk_agents')
        .selectAll()
        .where('issuer', '=', issuer)
        .where('account', '=', account)
        .execute(),
    ).map((agent) => [agent.jkt, agent]),
  );
  const changed = agents.filter((agent) => !isSame(stored.get(agent.jkt), agent));
  for (const agent of changed.sort((a, b) => (a.jkt < b.jkt ? -1 : 1))) {
    const columns = { id: agent.id, name: agent.name, public_key: agent.key };
    const { numInsertedOrUpdatedRows } = await db
      .insertInto('pzk_agents')
      .values({ issuer, jkt: agent.jkt, account, ...columns })
      .onConflict((conflict) =>
        conflict
          .columns(['issuer', 'jkt'])
          .doUpdateSet(columns)
          .where('pzk_agents.account', '=', account),
      )
      .executeTakeFirst();
    if (numInsertedOrUpdatedRows !== 1n) return 'known';
  }
  const gone = [...stored.keys()].filter((jkt) => !next.has(jkt));
  if (gone.length > 0) {
    await db
      .deleteFrom('pzk_agents')
      .where('issuer', '=', issuer)
      .where('account', '=', account)
      .where('jkt', 'in', gone)
      .execute();
  }
  return 'replaced';
}

/** Agents in the table `pzk_agents`. */
export function sqlAgentStore({ issuer, read }: SqlSession): AgentStore {
  return Object.freeze<AgentStore>({
    findByJkt: (jkt) =>
      read(async (db) => {
        const row = await db
          .selectFrom('pzk_agents')
          .selectAll()
          .where('issuer', '=', issuer)
          .where('jkt', '=', jkt)
          .executeTakeFirst();
        return row && parseRow(agentSchema, row);
      }),
  });
}
