import { describe, expect, it } from 'vitest';
import { type AuditRow, type AuditStore, memoryStores, verifyAuditChain } from '../../src/index.js';
import { createIssuer, ISSUER, type TestIssuer } from '../harness/issuer.js';
import { createWireClient } from '../harness/wire-client.js';

const SCOPES = { scopes: ['weather:read'] };

/** The audit store of an issuer with its rows, and what a test wants to go wrong. */
function faultyAudit() {
  const inner = memoryStores().audit;
  const fault = { before: false, after: false };
  const audit: AuditStore = {
    async append(rows) {
      if (fault.before) throw new Error('down');
      const added = await inner.append(rows);
      if (fault.after) throw new Error('the answer was lost');
      return added;
    },
    last: () => inner.last(),
    list: (range) => inner.list(range),
    listByAccount: (account, page) => inner.listByAccount(account, page),
  };
  return { audit, fault };
}

async function entries(issuer: { stores: { audit: AuditStore } }) {
  const rows = await issuer.stores.audit.list({ after: 0, limit: 10_000 });
  return rows.map(({ body }) => JSON.parse(body) as Record<string, string>);
}

function verify(issuer: TestIssuer) {
  return verifyAuditChain(issuer.stores, { issuer: ISSUER });
}

/** A store of given rows. */
function storeOf(rows: readonly AuditRow[]) {
  const list: AuditStore['list'] = async ({ after, limit }) =>
    rows.filter(({ seq }) => seq > after).slice(0, limit);
  const last = async () => rows.at(-1);
  return { audit: { list, last, append: async () => false, listByAccount: async () => [] } };
}

describe('audit log', () => {
  it('holds a whole life in one chain, without a secret in it', async () => {
    const issuer = createIssuer({ authorize: () => ({ user: 'ada@example.test' }) });
    const { apiKey, row } = await issuer.verifier.keys.issue(SCOPES);
    const client = await createWireClient(issuer, { apiKey });
    const first = await client.enroll();
    expect(first.status).toBe(201);
    const second = await client.token();
    const renewed = await client.renew(row.id);
    expect(renewed.status).toBe(200);
    await client.post('/token', { grant_type: 'nonsense' });
    await issuer.verifier.keys.revoke(row.id);
    await issuer.verifier.close();
    const log = await entries(issuer);
    expect(log.map(({ type }) => type)).toEqual([
      'key_issued',
      'signing_key_added',
      'account_linked',
      'device_enrolled',
      'token_issued',
      'token_issued',
      'token_renewed',
      'revoked',
    ]);
    expect(new Set(log.map(({ id }) => id)).size).toBe(8);
    expect(await verify(issuer)).toMatchObject({ valid: true, entries: 8, head: { seq: 8 } });
    const text = JSON.stringify(await issuer.stores.audit.list({ after: 0, limit: 100 }));
    // That is the log.
    expect(text).toContain(row.id);
    const tokens = [first, second, renewed].map(({ body }) => body.access_token as string);
    for (const secret of [
      apiKey,
      client.commitment,
      client.sessionKey.jkt,
      'ada@example.test',
      ...tokens,
    ]) {
      expect(text).not.toContain(secret);
    }
  });

  it('shows every entry that was changed, taken out, put in or moved', async () => {
    const issuer = createIssuer();
    for (let index = 0; index < 5; index++) await issuer.verifier.keys.issue(SCOPES);
    const rows = [...(await issuer.stores.audit.list({ after: 0, limit: 10 }))];
    const check = (list: readonly AuditRow[], options = {}) =>
      verifyAuditChain(storeOf(list), { issuer: ISSUER, ...options });
    expect(await check(rows)).toMatchObject({ valid: true, entries: 5 });
    const third = rows[2] as AuditRow;
    const change = (over: Partial<AuditRow>) => rows.with(2, { ...third, ...over });
    const bad = { valid: false, seq: 3 };
    expect(await check(change({ body: `${third.body} ` }))).toEqual({ ...bad, flaw: 'altered' });
    expect(await check(change({ at: third.at + 1 }))).toEqual({ ...bad, flaw: 'altered' });
    expect(await check(change({ hash: rows[1]?.hash ?? '' }))).toEqual({ ...bad, flaw: 'altered' });
    expect(await check(change({ previous: '' }))).toEqual({ ...bad, flaw: 'unlinked' });
    expect(await check(rows.toSpliced(2, 1))).toEqual({ ...bad, flaw: 'missing' });
    const moved = rows.toSpliced(2, 2, { ...(rows[3] as AuditRow), seq: 3 }, { ...third, seq: 4 });
    expect(await check(moved)).toEqual({ ...bad, flaw: 'unlinked' });
    expect(await check(rows, { issuer: `${ISSUER}/other` })).toMatchObject({
      valid: false,
      seq: 1,
      flaw: 'altered',
    });
    // Cut off at the end: only an anchor shows it.
    const { seq, hash } = rows[4] as AuditRow;
    expect(await check(rows.slice(0, 4))).toMatchObject({ valid: true });
    expect(await check(rows, { anchor: { seq, hash } })).toMatchObject({ valid: true });
    expect(await check(rows.slice(0, 4), { anchor: { seq, hash } })).toEqual({
      valid: false,
      seq: 5,
      flaw: 'anchor_missing',
    });
    expect(await check(rows, { anchor: { seq, hash: third.hash } })).toMatchObject({
      flaw: 'anchor_differs',
    });
    await issuer.verifier.close();
  });

  it('[O3] an anchor that no entry can be compared with is missing', async () => {
    const issuer = createIssuer();
    for (let index = 0; index < 3; index++) await issuer.verifier.keys.issue(SCOPES);
    const [first, , third] = await issuer.stores.audit.list({ after: 0, limit: 10 });
    const { hash } = third as AuditRow;
    for (const seq of [1.5, 0, -1, '3' as unknown as number, Number.NaN, 4]) {
      expect(
        await verifyAuditChain(issuer.stores, { issuer: ISSUER, anchor: { seq, hash } }),
        String(seq),
      ).toMatchObject({ valid: false, flaw: 'anchor_missing' });
    }
    for (const anchor of [first, third] as AuditRow[]) {
      expect(await verifyAuditChain(issuer.stores, { issuer: ISSUER, anchor })).toMatchObject({
        valid: true,
      });
    }
    await issuer.verifier.close();
  });

  it('[O3] a log whose end is cut off while a process writes it is told of, once', async () => {
    let rows: AuditRow[] = [];
    const audit: AuditStore = {
      async append(added) {
        const [entry] = added;
        if (entry?.seq !== rows.length + 1) return false;
        rows.push(...added);
        return true;
      },
      last: async () => rows.at(-1),
      list: async ({ after, limit }) => rows.filter(({ seq }) => seq > after).slice(0, limit),
      listByAccount: async () => [],
    };
    const issuer = createIssuer({ stores: { ...memoryStores(), audit } });
    const faults = () => issuer.events.filter(({ type }) => type === 'fault');
    for (let index = 0; index < 5; index++) await issuer.verifier.keys.issue(SCOPES);
    expect(faults()).toEqual([]);
    rows = rows.slice(0, 3);
    await issuer.verifier.keys.issue(SCOPES);
    await issuer.verifier.keys.issue(SCOPES);
    expect(faults()).toMatchObject([{ endpoint: 'audit' }]);
    expect(String((faults()[0] as { error?: unknown }).error)).toMatch(/entry 5, now with 3/);
    expect(await verify(issuer)).toMatchObject({ valid: true, entries: 5 });
    await issuer.verifier.close();
  });

  it('[O3] honest: several instances write one chain and lose nothing, and no end seems cut off', async () => {
    const first = createIssuer();
    const others = [1, 2].map(() => createIssuer({ stores: first.stores }));
    const all = [first, ...others];
    const issued = await Promise.all(
      Array.from({ length: 150 }, (_, index) =>
        (all[index % 3] as TestIssuer).verifier.keys.issue(SCOPES),
      ),
    );
    const log = await entries(first);
    expect(new Set(log.map(({ key }) => key))).toEqual(new Set(issued.map(({ row }) => row.id)));
    expect(await verify(first)).toMatchObject({ valid: true, entries: 150 });
    for (const { events } of all) expect(events.filter(({ type }) => type === 'fault')).toEqual([]);
    await Promise.all(all.map(({ verifier }) => verifier.close()));
  });

  it('while it cannot be written nobody gets in, and revocations hold and are written later', async () => {
    const { audit, fault } = faultyAudit();
    const issuer = createIssuer({ stores: { ...memoryStores(), audit } });
    const { apiKey, row } = await issuer.verifier.keys.issue(SCOPES);
    const client = await createWireClient(issuer, { apiKey });
    expect((await client.enroll()).status).toBe(201);
    fault.before = true;
    const refused = await client.token();
    expect(refused.status).toBe(503);
    expect(refused.body.access_token).toBeUndefined();
    await expect(issuer.verifier.keys.issue(SCOPES)).rejects.toMatchObject({
      code: 'store_unavailable',
    });
    expect(issuer.events).toContainEqual(
      expect.objectContaining({ type: 'fault', endpoint: 'audit' }),
    );
    expect(await issuer.verifier.keys.revoke(row.id)).toBe(true);
    fault.before = false;
    await issuer.verifier.close();
    const log = await entries(issuer);
    expect(log.filter(({ type }) => type === 'token_issued')).toHaveLength(1);
    expect(log.at(-1)).toMatchObject({ type: 'revoked', kind: 'key' });
    expect(await verify(issuer)).toMatchObject({ valid: true });
  });

  it('an answer of the store that is lost doubles nothing', async () => {
    const { audit, fault } = faultyAudit();
    const issuer = createIssuer({ stores: { ...memoryStores(), audit } });
    fault.after = true;
    for (let index = 0; index < 3; index++) await issuer.verifier.keys.issue(SCOPES);
    expect(await verify(issuer)).toMatchObject({ valid: true, entries: 3 });
    await issuer.verifier.close();
  });

  it('what was acknowledged outlives a crash; of renewals those of the last second may be lost', async () => {
    const issuer = createIssuer();
    const { apiKey, row } = await issuer.verifier.keys.issue(SCOPES);
    const client = await createWireClient(issuer, { apiKey });
    await client.enroll();
    expect((await client.renew(row.id)).status).toBe(200);
    // As a killed process leaves it: nothing is closed.
    const types = (await entries(issuer)).map(({ type }) => type);
    // A second may have passed by now, and the renewal been written.
    expect(types.filter((type) => type !== 'token_renewed')).toEqual([
      ...['key_issued', 'signing_key_added', 'device_enrolled', 'token_issued'],
    ]);
    await issuer.verifier.close();
    expect((await entries(issuer)).at(-1)).toMatchObject({ type: 'token_renewed' });
  });

  it('too many entries that wait refuse who wants in, not who is shut out', async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const inner = memoryStores().audit;
    const audit: AuditStore = {
      ...inner,
      append: async (rows) => {
        await held;
        return inner.append(rows);
      },
    };
    const issuer = createIssuer({ stores: { ...memoryStores(), audit } });
    const attempts = Array.from({ length: 5300 }, () => issuer.verifier.keys.issue(SCOPES));
    const settled = Promise.allSettled(attempts);
    const { id } = await issuer.stores.accounts
      .insert({ id: 'a', createdAt: 1 })
      .then(() => ({ id: 'a' }));
    expect(await issuer.verifier.accounts.revoke(id)).toBe(true);
    release();
    const results = await settled;
    const refused = results.filter(({ status }) => status === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    for (const result of refused) expect(result).toMatchObject({ reason: { code: 'busy' } });
    await issuer.verifier.close();
    expect(await verify(issuer)).toMatchObject({
      valid: true,
      entries: 5300 - refused.length + 1,
    });
  }, 60_000);

  it('can be turned off', async () => {
    const issuer = createIssuer({ audit: false });
    await issuer.verifier.keys.issue(SCOPES);
    await issuer.verifier.close();
    expect(await entries(issuer)).toEqual([]);
  });
});
