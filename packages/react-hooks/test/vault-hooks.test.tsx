import {
  type Approval,
  type Client,
  createClient,
  createMemoryStorage,
  PzkError,
  type WaitingApprovals,
} from '@pzk-auth/client';
import { createSoftwareAuthenticator } from '@pzk-auth/client/testing';
import { act, renderHook, waitFor } from '@testing-library/react';
import { type ReactNode, StrictMode } from 'react';
import { renderToString } from 'react-dom/server';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  PzkProvider,
  useAgents,
  useApprovals,
  useDevices,
  useLostVault,
  useRecovery,
  useReleases,
  useSession,
  useVault,
} from '../src/index.js';
import { createService, ORIGIN, type Service, USER } from './service.js';

const KEY = `sk-ant-api03-${'k'.repeat(40)}`;

let service: Service;
let client: Client;
const clients: Client[] = [];

/** A client of a browser of its own: another authenticator, another storage. */
function createOther(): Client {
  const authenticator = createSoftwareAuthenticator({ origin: ORIGIN });
  const storage = createMemoryStorage();
  const other = createClient({ ...service.clientOptions, authenticator, storage });
  clients.push(other);
  return other;
}

beforeEach(async () => {
  service = await createService();
  client = service.createClient();
  clients.push(client);
});
afterEach(async () => {
  for (const one of clients.splice(0)) one.close();
  await service.close();
});

function useAll() {
  return {
    session: useSession(),
    vault: useVault(),
    devices: useDevices(),
    recovery: useRecovery(),
    approvals: useApprovals({ interval: 20 }),
    releases: useReleases({ interval: 20 }),
    agents: useAgents(),
  };
}

function mount(of: Client = client) {
  const wrapper = ({ children }: { children: ReactNode }) => (
    <StrictMode>
      <PzkProvider client={of}>{children}</PzkProvider>
    </StrictMode>
  );
  return renderHook(useAll, { wrapper }).result;
}

const enrol = () => client.enroll({ apiKey: service.apiKey, user: USER });

async function openVault(hooks: ReturnType<typeof mount>): Promise<void> {
  await act(async () => {
    expect(await hooks.current.vault.open()).toMatchObject({ status: 'open' });
  });
}

describe('useVault', () => {
  it('shows the vault locked where the server has ended the session', async () => {
    await act(enrol);
    const hooks = mount();
    await openVault(hooks);
    const { current } = hooks;
    const [device] = await client.vault.devices.list();
    await act(async () => {
      await client.vault.devices.revoke(device?.id ?? '');
      // Whatever is asked next finds it out.
      await client.vault.status().catch(() => undefined);
    });
    await waitFor(() => expect(hooks.current.session).toMatchObject({ status: 'failed' }));
    expect(hooks.current.vault.status).toBe('locked');
    expect(hooks.current.vault).not.toHaveProperty('slots');
    expect(await current.vault.readSecret('any')).toMatchObject({
      status: 'failed',
      error: { code: 'vault_locked' },
    });
  });

  it('opens, adds, reads, renames, changes, deletes and locks under StrictMode', async () => {
    await act(enrol);
    const hooks = mount();
    expect(hooks.current.vault.status).toBe('locked');
    await openVault(hooks);

    let id = '';
    await act(async () => {
      const added = await hooks.current.vault.addSecret({
        name: 'Work',
        provider: 'anthropic',
        value: KEY,
      });
      if (added.status === 'done') id = added.value;
    });
    await waitFor(() =>
      expect(hooks.current.vault).toMatchObject({
        status: 'open',
        slots: expect.arrayContaining([expect.objectContaining({ id, name: 'Work' })]),
      }),
    );
    const read = await hooks.current.vault.readSecret(id);
    expect(read.status === 'done' && new TextDecoder().decode(read.value)).toBe(KEY);

    await act(async () => {
      expect(await hooks.current.vault.renameSecret(id, { name: 'Team' })).toEqual({
        status: 'done',
        value: undefined,
      });
      await hooks.current.vault.updateSecret(id, { value: `${KEY}2` });
    });
    const changed = await hooks.current.vault.readSecret(id);
    expect(changed.status === 'done' && new TextDecoder().decode(changed.value)).toBe(`${KEY}2`);

    await act(async () => {
      await hooks.current.vault.deleteSecret(id);
    });
    expect(await hooks.current.vault.readSecret(id)).toMatchObject({
      status: 'failed',
      error: { code: 'not_found' },
    });
    act(() => hooks.current.vault.lock());
    expect(hooks.current.vault.status).toBe('locked');
  });

  it('resolves to its failures', async () => {
    const hooks = mount();
    await act(async () => {
      const opened = await hooks.current.vault.open();
      expect(opened).toMatchObject({ status: 'failed' });
      expect(await hooks.current.vault.addSecret({ name: 'Work', value: KEY })).toMatchObject({
        status: 'failed',
        error: { code: 'vault_locked' },
      });
    });
    await act(enrol);
    await openVault(hooks);
    await act(async () => {
      expect(
        await hooks.current.vault.addSecret({ name: 'A', provider: 'anthropic', value: 'odd' }),
      ).toMatchObject({ status: 'failed', error: { code: 'api_key_malformed' } });
    });
  });

  it('aborts an opening that runs', async () => {
    await act(enrol);
    const hooks = mount();
    const asked = new Promise<void>((resolve) => {
      service.authenticator.configure({
        onUserPrompt: () => {
          resolve();
          return new Promise(() => undefined);
        },
      });
    });
    await act(async () => {
      const opening = hooks.current.vault.open();
      await asked;
      hooks.current.vault.abort();
      expect(await opening).toMatchObject({ status: 'failed', error: { code: 'aborted' } });
    });
    expect(hooks.current.vault.status).toBe('locked');
  });

  it('shows nothing on a server, and asks nothing', () => {
    const seen: unknown[] = [];
    function Page() {
      const { vault, devices, recovery, approvals, releases, agents } = useAll();
      seen.push(vault.status, devices.status, devices.invitation, recovery.hasCode);
      seen.push(approvals.status, releases.status, agents.pairing);
      return null;
    }
    renderToString(
      <PzkProvider options={service.clientOptions}>
        <Page />
      </PzkProvider>,
    );
    const none = { status: 'none' };
    expect(seen).toEqual(['locked', 'loading', none, undefined, 'loading', 'loading', none]);
    expect(service.requests).toEqual([]);
  });
});

describe('useDevices', () => {
  it('invites a device, takes it in and takes it out', async () => {
    await act(enrol);
    const hooks = mount();
    await waitFor(() =>
      expect(hooks.current.devices).toMatchObject({ status: 'ready', devices: [{}] }),
    );
    await openVault(hooks);
    await act(() => hooks.current.devices.invite());
    const { invitation } = hooks.current.devices;
    const code = invitation.status === 'open' ? invitation.fragment : '';

    const other = mount(createOther());
    await act(async () => {
      expect(await other.current.devices.join({ code, user: USER })).toMatchObject({
        status: 'done',
        value: expect.any(Number),
      });
    });
    await waitFor(() => expect(hooks.current.devices.invitation.status).toBe('joined'));
    await act(async () => {
      expect(await hooks.current.devices.admit()).toMatchObject({ status: 'done' });
    });
    expect(hooks.current.devices.invitation).toEqual({ status: 'admitted' });
    await waitFor(() =>
      expect(hooks.current.devices).toMatchObject({ status: 'ready', devices: [{}, {}] }),
    );
    await act(async () => {
      expect(await other.current.session.start()).toMatchObject({ status: 'active' });
    });

    const { vault } = hooks.current;
    const joined = vault.status === 'open' && vault.members.find(({ own }) => !own);
    await act(async () => {
      const removal = await hooks.current.devices.remove(joined ? joined.id : '');
      if (removal.status !== 'done') throw removal.error;
      const { code, leavesOut, confirm } = removal.value;
      expect(await leavesOut()).toEqual({ status: 'done', value: [] });
      expect(await confirm('0000')).toMatchObject({
        status: 'failed',
        error: { code: 'recovery_code_malformed' },
      });
      expect(hooks.current.vault).toMatchObject({ members: [{ own: true }, { own: false }] });
      // It has locked itself while the code was written down.
      hooks.current.vault.lock();
      service.authenticator.configure({ onUserPrompt: async () => hooks.current.vault.abort() });
      expect(await confirm(code)).toMatchObject({ status: 'failed', error: { code: 'aborted' } });
      service.authenticator.configure({ onUserPrompt: async () => undefined });
      expect(await confirm(code)).toMatchObject({ status: 'done', value: [{ kind: 'api-key' }] });
    });
    expect(hooks.current.vault).toMatchObject({ members: [{ own: true }, { kind: 'recovery' }] });
    expect(hooks.current.recovery.hasCode).toBe(true);
    await act(async () => {
      expect(await other.current.vault.open()).toMatchObject({ status: 'failed' });
    });
  });

  it('asks for the yes to changed keys when it takes a device in', async () => {
    await act(enrol);
    const other = createOther();
    await client.vault.open();
    const invitation = await client.vault.invitations.create();
    await other.vault.invitations.accept({ code: invitation.code, user: USER });
    await invitation.poll();
    await invitation.admit();
    await other.start();

    const hooks = mount();
    await act(() => hooks.current.devices.invite());
    const view = hooks.current.devices.invitation;
    const code = view.status === 'open' ? view.fragment : '';
    await createOther().vault.invitations.accept({ code, user: USER });
    await waitFor(() => expect(hooks.current.devices.invitation.status).toBe('joined'));
    const removal = await (await other.vault.open()).rotateVault();
    await removal.confirm(removal.code);
    await act(async () => {
      expect(await hooks.current.devices.admit()).toMatchObject({
        error: { code: 'vault_repin_required' },
      });
    });
    const approveSuccession = vi.fn(() => true);
    await act(async () => {
      expect(await hooks.current.devices.admit({ approveSuccession })).toMatchObject({
        error: { code: 'invitation_invalid' },
      });
    });
    expect(approveSuccession).toHaveBeenCalledOnce();
    expect(hooks.current.vault).toMatchObject({
      status: 'open',
      changes: { membersAdded: [{ kind: 'recovery' }] },
    });
  });

  it('cancels an invitation that is dismissed, and shows another device nothing of it', async () => {
    await act(enrol);
    const hooks = mount();
    await openVault(hooks);
    await act(() => hooks.current.devices.invite());
    const { invitation } = hooks.current.devices;
    const code = invitation.status === 'open' ? invitation.fragment : '';
    await act(async () => hooks.current.devices.dismissInvitation());
    expect(hooks.current.devices.invitation).toEqual({ status: 'none' });
    await waitFor(() => expect(service.requests).toContain('/pzk/vault/invitations/cancel'));
    const other = mount(createOther());
    await act(async () => {
      expect(await other.current.devices.join({ code, user: USER })).toMatchObject({
        status: 'failed',
        error: { code: 'invitation_invalid' },
      });
    });
  });

  it('takes nobody in where there is no invitation', async () => {
    await act(enrol);
    const hooks = mount();
    await openVault(hooks);
    const admitsNobody = () =>
      act(async () => {
        expect(await hooks.current.devices.admit()).toMatchObject({
          status: 'failed',
          error: { code: 'invalid_request' },
        });
      });
    await admitsNobody();
    expect(hooks.current.devices.invitation).toEqual({ status: 'none' });
    await act(() => hooks.current.devices.invite());
    await act(async () => hooks.current.devices.dismissInvitation());
    await admitsNobody();
    expect(hooks.current.devices.invitation).toEqual({ status: 'none' });
  });

  it('forgets the list with the session', async () => {
    await act(enrol);
    const hooks = mount();
    await waitFor(() => expect(hooks.current.devices.status).toBe('ready'));
    await act(async () => {
      await hooks.current.session.signOut();
    });
    expect(hooks.current.devices.status).toBe('loading');
  });
});

describe('useRecovery', () => {
  it('makes a code, has it confirmed, exports, and opens the vault with it elsewhere', async () => {
    await act(enrol);
    const hooks = mount();
    expect(hooks.current.recovery.hasCode).toBeUndefined();
    expect(await hooks.current.recovery.confirm('anything')).toMatchObject({
      status: 'failed',
      error: { code: 'invalid_request' },
    });
    await openVault(hooks);
    expect(hooks.current.recovery.hasCode).toBe(false);
    const code = hooks.current.recovery.create();
    expect(await hooks.current.recovery.leavesOut()).toEqual({ status: 'done', value: [] });
    act(() => hooks.current.vault.lock());
    expect(await hooks.current.recovery.leavesOut()).toMatchObject({ status: 'failed' });
    await act(async () => {
      expect(await hooks.current.recovery.confirm('0000')).toMatchObject({
        status: 'failed',
        error: { code: 'recovery_code_malformed' },
      });
      expect(await hooks.current.recovery.confirm(code.toLowerCase())).toMatchObject({
        status: 'done',
      });
    });
    expect(hooks.current.recovery.hasCode).toBe(true);
    expect(await hooks.current.recovery.exportVault(code)).toMatchObject({
      status: 'done',
      value: { format: 'pzk-auth/v1/vault-export' },
    });

    const other = mount(createOther());
    await act(async () => {
      expect(await other.current.recovery.recover({ code, user: USER })).toMatchObject({
        status: 'done',
      });
      expect(await other.current.session.start()).toMatchObject({ status: 'active' });
    });

    // It remembers nothing: the user compares the two, and says so.
    await openVault(other);
    // As of now: the recovery was a write.
    await openVault(hooks);
    const { vault } = hooks.current;
    const words = vault.status === 'open' ? vault.vaultWords : [];
    expect(words).toHaveLength(8);
    expect(vault).toMatchObject({ basis: 'memory' });
    expect(other.current.vault).toMatchObject({ basis: 'pin', vaultWords: words });
    await act(async () => {
      expect(await other.current.vault.confirmCompared()).toMatchObject({ status: 'done' });
    });
    expect(other.current.vault).toMatchObject({ basis: 'memory', changes: 'unknown' });
    await act(async () => {
      expect(await other.current.vault.confirmChanges()).toMatchObject({ status: 'done' });
    });
    expect(other.current.vault).toMatchObject({ changes: 'none' });
    act(() => other.current.vault.lock());
    expect(await other.current.vault.confirmCompared()).toMatchObject({
      status: 'failed',
      error: { code: 'vault_locked' },
    });
  });
});

describe('useLostVault', () => {
  function mountLost(of: Client) {
    const wrapper = ({ children }: { children: ReactNode }) => (
      <StrictMode>
        <PzkProvider client={of}>{children}</PzkProvider>
      </StrictMode>
    );
    const useBoth = () => ({ lost: useLostVault(), vault: useVault() });
    return renderHook(useBoth, { wrapper }).result;
  }

  it('shows nothing before a session, nor where nothing was lost', async () => {
    const hooks = mountLost(client);
    expect(hooks.current.lost.status).toBe('loading');
    expect(service.requests).toEqual([]);
    await act(enrol);
    await waitFor(() => expect(hooks.current.lost.status).toBe('none'));
  });

  it('leads through the providers after a reset, until the user has settled it', async () => {
    await service.close();
    let resetVault = false;
    service = await createService({
      authorize: () => ({ resetVault }),
      vaultReset: { after: 0 },
    });
    client = service.createClient();
    clients.push(client);
    await act(enrol);
    resetVault = true;
    const other = createOther();
    const enrolment = { apiKey: service.apiKey, user: USER };
    await expect(other.enroll(enrolment)).rejects.toMatchObject({ code: 'vault_reset_pending' });
    const hooks = mountLost(other);
    await act(() => other.enroll(enrolment));
    await waitFor(() => expect(hooks.current.lost.status).toBe('lost'));
    const step = (id: string) =>
      hooks.current.lost.status === 'lost' &&
      hooks.current.lost.steps.find(({ provider }) => provider.id === id);
    expect(step('anthropic')).toMatchObject({
      replaced: false,
      provider: { rotateUrl: expect.stringContaining('https://') },
    });
    await act(async () => {
      await hooks.current.vault.open();
      await hooks.current.vault.addSecret({ name: 'New', provider: 'anthropic', value: KEY });
    });
    await waitFor(() => expect(step('anthropic')).toMatchObject({ replaced: true }));
    await act(async () => {
      const { lost } = hooks.current;
      expect(await lost.settle()).toMatchObject({ status: 'done' });
    });
    expect(hooks.current.lost.status).toBe('none');
    await waitFor(async () => expect(await other.vault.reset.lost()).toBeUndefined());
  });
});

describe('useApprovals', () => {
  const request: Approval = {
    id: 'one',
    agent: { id: 'agent', name: 'Agent' },
    slot: { id: 'slot', kind: 'secret', name: 'Work', provider: '', version: 1 },
    purpose: 'To plan the garden',
    host: 'api.example.com',
    methods: ['POST'],
    header: { name: 'x-api-key', prefix: '' },
    uses: 1,
    term: { kind: 'once', seconds: 60 },
  };

  /** The client, with these requests waiting. */
  function withRequests(list: () => WaitingApprovals, refusal?: PzkError) {
    const approved: Approval[] = [];
    const approvals: Client['vault']['approvals'] = {
      list: async () => list(),
      approve: async (approval) => {
        if (refusal !== undefined) throw refusal;
        approved.push(approval);
      },
      reject: async () => undefined,
    };
    const vault = Object.assign(Object.create(client.vault), client.vault, { approvals });
    return { approved, client: { ...client, vault } as Client };
  }

  it('tells how many wait while the vault is locked, and what once it is open', async () => {
    await act(enrol);
    const hooks = mount();
    await waitFor(() =>
      expect(hooks.current.approvals).toMatchObject({ status: 'locked', waiting: 0 }),
    );
    await openVault(hooks);
    await waitFor(() =>
      expect(hooks.current.approvals).toMatchObject({ status: 'ready', requests: [], refused: 0 }),
    );
    await waitFor(() =>
      expect(hooks.current.releases).toMatchObject({ status: 'ready', releases: [] }),
    );
    const activity = await hooks.current.releases.readActivity();
    expect(activity).toMatchObject({
      value: expect.arrayContaining([expect.objectContaining({ type: 'vault_opened' })]),
    });
    expect(await hooks.current.releases.verifyReceipts()).toEqual({ status: 'done', value: [] });
    expect(await hooks.current.releases.exportReceipts()).toEqual({
      status: 'done',
      value: { document: { receipts: [] }, head: '' },
    });
  });

  it('approves what was shown first under an id, whatever came in its place', async () => {
    await act(enrol);
    let waiting: WaitingApprovals = { requests: [request], refused: 0 };
    const stub = withRequests(() => waiting);
    const hooks = mount(stub.client);
    await openVault(hooks);
    await waitFor(() => expect(hooks.current.approvals).toMatchObject({ requests: [request] }));

    const later = { ...request, id: 'two' };
    waiting = { requests: [{ ...request, host: 'evil.example' }, later], refused: 1 };
    await waitFor(() => expect(hooks.current.approvals).toMatchObject({ waiting: 2, refused: 1 }));
    const { approvals } = hooks.current;
    const [first] = approvals.status === 'ready' ? approvals.requests : [];
    expect(first).toBe(request);
    await act(async () => {
      expect(await approvals.approve(first as Approval)).toMatchObject({ status: 'done' });
    });
    expect(stub.approved).toEqual([request]);
  });

  it('shows a request anew whose slot or agent has changed', async () => {
    await act(enrol);
    let waiting: WaitingApprovals = { requests: [request], refused: 0 };
    const stub = withRequests(() => waiting, new PzkError('vault_conflict', 'Changed.'));
    const hooks = mount(stub.client);
    await openVault(hooks);
    await waitFor(() => expect(hooks.current.approvals).toMatchObject({ requests: [request] }));
    const now = { ...request, agent: { id: 'one', name: 'Another name' } };
    waiting = { requests: [now], refused: 0 };
    await act(async () => {
      const ended = await hooks.current.approvals.approve(request);
      expect(ended).toMatchObject({ status: 'failed', error: { code: 'vault_conflict' } });
    });
    await waitFor(() => expect(hooks.current.approvals).toMatchObject({ requests: [now] }));
  });

  it('shows nothing of a vault that was locked', async () => {
    await act(enrol);
    const stub = withRequests(() => ({ requests: [request], refused: 0 }));
    const hooks = mount(stub.client);
    await openVault(hooks);
    await waitFor(() => expect(hooks.current.approvals.status).toBe('ready'));
    act(() => hooks.current.vault.lock());
    expect(hooks.current.approvals.status).not.toBe('ready');
  });
});

describe('useAgents', () => {
  it('starts a pairing with a code, ends it when it is dismissed, and confirms none after that', async () => {
    await act(enrol);
    const hooks = mount();
    await act(() => hooks.current.agents.pair());
    expect(hooks.current.agents.pairing).toMatchObject({
      status: 'failed',
      error: { code: 'vault_locked' },
    });
    await openVault(hooks);
    await act(() => hooks.current.agents.pair());
    expect(hooks.current.agents.pairing).toMatchObject({
      status: 'waiting',
      code: expect.stringMatching(/^([0-9A-Z]{4}-){3}[0-9A-Z]{4}$/),
    });
    await act(async () => hooks.current.agents.dismissPairing());
    await waitFor(() => expect(service.requests).toContain('/pzk/vault/pairings/end'));
    expect(hooks.current.agents.pairing).toEqual({ status: 'none' });
    await act(async () => {
      expect(await hooks.current.agents.confirmPairing()).toMatchObject({
        status: 'failed',
        error: { code: 'invalid_request' },
      });
    });
    expect(hooks.current.agents.pairing).toEqual({ status: 'none' });
    await act(async () => {
      expect(await hooks.current.agents.removeAgent('none')).toMatchObject({
        status: 'failed',
        error: { code: 'not_found' },
      });
    });
  });
});
