import {
  type Client,
  createClient,
  createMemoryStorage,
  type EnrollState,
  type Observable,
  type SessionState,
} from '@pzk-auth/client';
import { act, render, renderHook, screen, waitFor } from '@testing-library/react';
import { type ReactNode, StrictMode, Suspense, useEffect } from 'react';
import { afterEach, beforeEach, describe, expect, expectTypeOf, it } from 'vitest';
import {
  isPzkError,
  type PzkErrorCode,
  PzkProvider,
  type SessionState as SessionOfClient,
  type SessionStep,
  type UseEnroll,
  type UseSession,
  useEnroll,
  usePzkFetch,
  useSession,
} from '../src/index.js';
import { createService, ORIGIN, type Service, USER } from './service.js';

let service: Service;
let client: Client;

beforeEach(async () => {
  service = await createService();
  client = service.createClient();
});
afterEach(async () => {
  client.close();
  await service.close();
});

/** All hooks of one component, with every state that it was rendered with. */
function useAll(seen: { session: SessionState[]; enroll: EnrollState[] }) {
  const session = useSession();
  const enroll = useEnroll();
  const pzkFetch = usePzkFetch();
  seen.session.push(session);
  seen.enroll.push(enroll);
  return { session, enroll, pzkFetch };
}

function mount(options: { strict?: boolean; client?: Client } = {}) {
  const seen: { session: SessionState[]; enroll: EnrollState[] } = { session: [], enroll: [] };
  const wrapper = ({ children }: { children: ReactNode }) => {
    const tree = <PzkProvider client={options.client ?? client}>{children}</PzkProvider>;
    return options.strict ? <StrictMode>{tree}</StrictMode> : tree;
  };
  return { seen, ...renderHook(() => useAll(seen), { wrapper }) };
}

const statuses = (states: readonly { status: string }[]) => [
  ...new Set(states.map(({ status }) => status)),
];

/** Without `act`, which in React 18 keeps all rendering back until it ends. */
async function asInABrowser(work: () => Promise<void>): Promise<void> {
  const environment = globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean };
  environment.IS_REACT_ACT_ENVIRONMENT = false;
  try {
    await work();
    // React renders in immediates: turns of the event loop are counted, and no time.
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  } finally {
    environment.IS_REACT_ACT_ENVIRONMENT = true;
  }
}

/** Lets the prompt wait until the test answers. */
function holdPrompt() {
  let answer = () => {};
  const asked = new Promise<void>((resolveAsked) => {
    service.authenticator.configure({
      onUserPrompt: () =>
        new Promise<void>((resolve) => {
          answer = resolve;
          resolveAsked();
        }),
    });
  });
  return { asked, answer: () => answer() };
}

describe('useEnroll and useSession', () => {
  it('show each step of an enrolment and of a start', async () => {
    const { seen, result } = mount({ strict: true });
    expect(result.current.session.status).toBe('signed-out');
    expect(result.current.enroll.status).toBe('idle');

    await asInABrowser(async () => {
      const enrolled = await result.current.enroll.enroll({ apiKey: service.apiKey, user: USER });
      expect(enrolled).toMatchObject({ status: 'enrolled' });
    });
    expect(result.current.enroll.status).toBe('enrolled');
    expect(result.current.session).toMatchObject({ status: 'active', scope: ['weather:read'] });

    await asInABrowser(async () => {
      expect(await result.current.session.signOut()).toEqual({ status: 'signed-out' });
      expect(await result.current.session.start()).toMatchObject({ status: 'active' });
    });
    expect(result.current.session.status).toBe('active');
    expect(statuses(seen.enroll)).toEqual(
      expect.arrayContaining(['idle', 'creating-passkey', 'proving', 'enrolled']),
    );
    expect(statuses(seen.session)).toEqual(
      expect.arrayContaining(['signed-out', 'active', 'passkey', 'decrypting', 'proving']),
    );
  });

  it('render every state that the client passes through', async () => {
    const shown: string[] = [];
    const { result } = mount();
    const note = () => shown.push(client.enrollment.getSnapshot().status);
    const end = client.enrollment.subscribe(note);
    await act(async () => {
      await result.current.enroll.enroll({ apiKey: service.apiKey, user: USER });
    });
    end();
    expect([...new Set(shown)]).toEqual([
      'challenge',
      'creating-passkey',
      'confirming-passkey',
      'sealing',
      'proving',
      'exchanging',
      'enrolled',
    ]);
  });

  it('call the API, renew and sign out', async () => {
    const { result } = mount();
    await act(async () => {
      await result.current.enroll.enroll({ apiKey: service.apiKey, user: USER });
    });
    const answer = await result.current.pzkFetch(`${ORIGIN}/api/weather`);
    expect(answer.status).toBe(200);
    await act(async () => {
      expect(await result.current.session.renew()).toMatchObject({ status: 'active' });
    });
    await act(async () => {
      expect(await result.current.session.signOut()).toMatchObject({ status: 'signed-out' });
    });
    expect(result.current.session.status).toBe('signed-out');
  });

  it('put a failure into the state and do not reject', async () => {
    service.authenticator.configure({
      onUserPrompt: () => {
        throw new DOMException('no', 'NotAllowedError');
      },
    });
    const { result } = mount();
    await act(async () => {
      const ended = await result.current.enroll.enroll({ apiKey: service.apiKey, user: USER });
      expect(ended.status).toBe('failed');
    });
    const { enroll } = result.current;
    expect(enroll.status === 'failed' && enroll.error.code).toBe('passkey_cancelled');
  });

  it('tell of a failed fresh touch by the promise alone, since the session goes on', async () => {
    const { result } = mount();
    await act(async () => {
      await result.current.enroll.enroll({ apiKey: service.apiKey, user: USER });
    });
    service.authenticator.configure({ userVerification: false });
    await act(async () => {
      const ended = await result.current.session.start();
      expect(ended.status === 'failed' && ended.error.code).toBe('passkey_cancelled');
    });
    expect(result.current.session.status).toBe('active');
    act(() => result.current.enroll.reset());
    expect(result.current.enroll.status).toBe('idle');
  });

  it('keep the identity of their actions', async () => {
    const { result, rerender } = mount();
    const pick = ({ session, enroll, pzkFetch }: ReturnType<typeof useAll>) => {
      const { start, resume, renew, signOut, abort, warmUp } = session;
      return [start, resume, renew, signOut, abort, warmUp, enroll.enroll, enroll.abort, pzkFetch];
    };
    const before = pick(result.current);
    rerender();
    await act(async () => {
      await result.current.enroll.enroll({ apiKey: service.apiKey, user: USER });
    });
    const after = pick(result.current);
    expect(after.every((action, index) => action === before[index])).toBe(true);
  });

  it('refuse a second ceremony with a value, and the first one goes on', async () => {
    const { result } = mount();
    await act(async () => {
      await result.current.enroll.enroll({ apiKey: service.apiKey, user: USER });
      await result.current.session.signOut();
    });
    const { asked, answer } = holdPrompt();
    await act(async () => {
      const first = result.current.session.start();
      await asked;
      const second = await result.current.session.start();
      expect(second.status === 'failed' && second.error.code).toBe('ceremony_in_progress');
      const enrolled = await result.current.enroll.enroll({ apiKey: service.apiKey, user: USER });
      expect(enrolled.status === 'failed' && enrolled.error.code).toBe('ceremony_in_progress');
      expect(client.getSnapshot().status).toBe('passkey');
      answer();
      expect(await first).toMatchObject({ status: 'active' });
    });
    expect(service.requests.filter((path) => path === '/pzk/token')).toHaveLength(1);
  });

  it('give a fetch that tells in a typed way when the session has ended', async () => {
    const { result } = mount();
    const { pzkFetch } = result.current;
    await act(async () => {
      await result.current.enroll.enroll({ apiKey: service.apiKey, user: USER });
    });
    expect((await pzkFetch('/api/weather')).status).toBe(200);
    await act(async () => {
      await result.current.session.signOut();
    });
    expect(result.current.pzkFetch).toBe(pzkFetch);
    const error: unknown = await pzkFetch('/api/weather').catch((reason: unknown) => reason);
    expect(isPzkError(error) && error.code).toBe('not_signed_in');
    await act(async () => {
      await result.current.session.start();
    });
    const [device] = await service.verifier.devices.list(service.account);
    await service.verifier.devices.revoke(device?.id ?? '');
    await act(async () => {
      const refused: unknown = await pzkFetch('/api/weather').catch((reason: unknown) => reason);
      expect(isPzkError(refused) && refused.code).toBe('session_expired');
    });
    const { session } = result.current;
    expect(session.status === 'failed' && session.error.code).toBe('session_expired');
    expect(result.current.pzkFetch).toBe(pzkFetch);
  });

  it('have types that narrow by the status', () => {
    expectTypeOf<Extract<UseSession, { status: 'active' }>['expiresAt']>().toEqualTypeOf<number>();
    expectTypeOf<Extract<UseSession, { status: 'proving' }>['progress']>().toEqualTypeOf<number>();
    expectTypeOf<
      Extract<UseSession, { status: 'failed' }>['error']['code']
    >().toEqualTypeOf<PzkErrorCode>();
    expectTypeOf<Extract<UseSession, { status: 'active' }>['stepUp']>().toEqualTypeOf<
      SessionStep | undefined
    >();
    expectTypeOf<UseSession['status']>().toEqualTypeOf<
      | 'signed-out'
      | 'challenge'
      | 'passkey'
      | 'decrypting'
      | 'proving'
      | 'exchanging'
      | 'active'
      | 'failed'
    >();
    expectTypeOf<UseEnroll['status']>().toEqualTypeOf<
      | 'idle'
      | 'challenge'
      | 'creating-passkey'
      | 'confirming-passkey'
      | 'sealing'
      | 'proving'
      | 'exchanging'
      | 'enrolled'
      | 'failed'
    >();
    // No error without a failure, no time of expiry without a session.
    expectTypeOf<Extract<UseSession, { status: 'active' }>>().not.toHaveProperty('error');
    expectTypeOf<Extract<UseSession, { status: 'signed-out' }>>().not.toHaveProperty('expiresAt');
    expectTypeOf<SessionOfClient>().toEqualTypeOf<SessionState>();
    expectTypeOf<ReturnType<typeof usePzkFetch>>().toEqualTypeOf<typeof fetch>();
  });

  it('start nothing by themselves, also under StrictMode', async () => {
    mount({ strict: true });
    await act(async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
    });
    expect(service.requests).toEqual([]);
    expect(service.authenticator.credentials()).toEqual([]);
  });
});

describe('abort', () => {
  it('ends a ceremony from another component than the one that started it', async () => {
    const { asked } = holdPrompt();
    const hooks: { starter?: UseEnroll; other?: UseEnroll } = {};
    function Starter() {
      hooks.starter = useEnroll();
      return null;
    }
    function Other() {
      hooks.other = useEnroll();
      return <p>{hooks.other.status}</p>;
    }
    render(
      <PzkProvider client={client}>
        <Starter />
        <Other />
      </PzkProvider>,
    );
    await act(async () => {
      const enrolling = hooks.starter?.enroll({ apiKey: service.apiKey, user: USER });
      await asked;
      hooks.other?.abort();
      await enrolling;
    });
    expect(screen.queryByText('creating-passkey')).toBeNull();
    expect(service.requests).toEqual(['/pzk/challenge']);
  });

  it('comes with the unmount of the component that started the ceremony', async () => {
    const { asked } = holdPrompt();
    const hook: { session?: UseSession } = {};
    function Starter() {
      hook.session = useSession();
      return null;
    }
    const { rerender } = render(
      <PzkProvider client={client}>
        <Starter />
      </PzkProvider>,
    );
    let starting: Promise<SessionState> | undefined;
    await act(async () => {
      starting = hook.session?.start();
      await asked.catch(() => undefined);
    });
    rerender(<PzkProvider client={client}>{null}</PzkProvider>);
    await act(async () => {
      await starting;
    });
    expect(client.getSnapshot().status).not.toBe('active');
    expect(client.getSnapshot().status).not.toBe('passkey');
    expect(service.requests).toEqual(['/pzk/challenge']);
  });

  describe('of a fresh touch for an active session', () => {
    /** A page that shows its parts as most do: one for an active session, another one without. */
    function mountPage(signal?: AbortSignal) {
      const hook: { ended?: Promise<SessionState>; session?: UseSession; inside?: UseSession } = {};
      function Door({ shown }: { shown: boolean }) {
        hook.session = useSession();
        if (hook.session.status !== 'active') return <p>outside</p>;
        return shown ? <Inside /> : null;
      }
      function Inside() {
        const session = useSession();
        hook.inside = session;
        const start = () => {
          hook.ended = session.start(signal === undefined ? {} : { signal });
        };
        return (
          <button type="button" onClick={start}>
            touch
          </button>
        );
      }
      const tree = (shown: boolean) => (
        <PzkProvider client={client}>
          <Door shown={shown} />
        </PzkProvider>
      );
      const { rerender, unmount } = render(tree(true));
      return { hook, unmount, hideInside: () => rerender(tree(false)) };
    }

    async function beginTouch(signal?: AbortSignal) {
      await client.enroll({ apiKey: service.apiKey, user: USER });
      const page = mountPage(signal);
      const prompt = holdPrompt();
      await act(async () => {
        screen.getByText('touch').click();
        await prompt.asked;
      });
      return { ...page, ...prompt };
    }

    it('does not come: the page stays as it is and the touch counts', async () => {
      const { hook, answer } = await beginTouch();
      expect(screen.queryByText('touch')).not.toBeNull();
      expect(hook.inside).toMatchObject({ status: 'active', stepUp: { status: 'passkey' } });
      await act(async () => {
        answer();
        expect(await hook.ended).toMatchObject({ status: 'active' });
      });
      expect(hook.session).toMatchObject({ status: 'active' });
      expect(hook.session).not.toHaveProperty('stepUp');
      expect(service.requests.filter((path) => path === '/pzk/token')).toHaveLength(1);
    });

    it('does not come where the session ends before the touch, and the page with it', async () => {
      const shared = { ...service.clientOptions, storage: createMemoryStorage() };
      client = createClient(shared);
      const { hook, answer } = await beginTouch();
      const tab = createClient(shared);
      await tab.resume();
      await tab.signOut();
      tab.close();
      await act(async () => {
        expect(await hook.session?.renew()).toMatchObject({ status: 'failed' });
      });
      expect(screen.queryByText('outside')).not.toBeNull();
      expect(hook.session?.status).toBe('passkey');
      await act(async () => {
        answer();
        expect(await hook.ended).toMatchObject({ status: 'active' });
      });
      expect(screen.queryByText('touch')).not.toBeNull();
    });

    type Page = Awaited<ReturnType<typeof beginTouch>> & { controller: AbortController };
    it.each<[string, (page: Page) => unknown, string]>([
      ['abort()', ({ hook }) => hook.session?.abort(), 'active'],
      ['the signal of the caller', ({ controller }) => controller.abort(), 'active'],
      ['a sign-out', ({ hook }) => hook.session?.signOut(), 'signed-out'],
      ['the unmount of the provider', ({ unmount }) => unmount(), 'active'],
    ])('comes with %s', async (_, abort, status) => {
      const controller = new AbortController();
      const page = { ...(await beginTouch(controller.signal)), controller };
      page.hideInside();
      expect(client.getSnapshot()).toMatchObject({ stepUp: { status: 'passkey' } });
      await act(async () => {
        await abort(page);
        const ended = await page.hook.ended;
        expect(ended?.status === 'failed' && ended.error.code).toBe('aborted');
      });
      expect(client.getSnapshot().status).toBe(status);
      expect(client.getSnapshot()).not.toHaveProperty('stepUp');
    });
  });

  it('comes before the start, where the component has gone meanwhile', async () => {
    const { result, unmount } = mount({ strict: true });
    const { session, enroll } = result.current;
    unmount();
    await Promise.resolve();
    const started = await session.start();
    expect(started.status === 'failed' && started.error.code).toBe('aborted');
    const enrolled = await enroll.enroll({ apiKey: service.apiKey, user: USER });
    expect(enrolled.status === 'failed' && enrolled.error.code).toBe('aborted');
    expect(service.requests).toEqual([]);
  });

  it('does not come while StrictMode repeats the effects of a component that calls in one', async () => {
    const hook: { ended?: Promise<SessionState> } = {};
    let passes = 0;
    function Child({ onMount }: { onMount: () => Promise<SessionState> }) {
      useEffect(() => {
        // Of two calls the second would meet the first.
        if (++passes === 2) hook.ended = onMount();
      }, [onMount]);
      return null;
    }
    function Parent() {
      const { start } = useSession();
      return <Child onMount={start} />;
    }
    render(
      <StrictMode>
        <PzkProvider client={client}>
          <Parent />
        </PzkProvider>
      </StrictMode>,
    );
    await act(async () => {
      // As far as it can go: there is no passkey.
      const ended = await hook.ended;
      expect(ended?.status === 'failed' && ended.error.code).not.toBe('aborted');
    });
    expect(service.requests).toEqual(['/pzk/challenge']);
  });

  it('does not come when the component vanishes because the session is active', async () => {
    let outcome: EnrollState | undefined;
    function Page() {
      return useSession().status === 'active' ? <p>in</p> : <Enrol />;
    }
    function Enrol() {
      const { enroll } = useEnroll();
      const submit = async () => {
        outcome = await enroll({ apiKey: service.apiKey, user: USER });
      };
      return (
        <button type="button" onClick={submit}>
          enrol
        </button>
      );
    }
    render(
      <PzkProvider client={client}>
        <Page />
      </PzkProvider>,
    );
    await asInABrowser(async () => {
      screen.getByText('enrol').click();
      await expect.poll(() => outcome).toBeDefined();
    });
    expect(screen.queryByText('in')).not.toBeNull();
    expect(outcome).toEqual({ status: 'enrolled' });
  });

  it('does not come while the component is hidden behind the fallback of a Suspense', async () => {
    const { asked, answer } = holdPrompt();
    const hook: { enroll?: UseEnroll } = {};
    const never = new Promise<void>(() => {});
    function Starter({ suspended }: { suspended: boolean }) {
      hook.enroll = useEnroll();
      if (suspended) throw never;
      return <p>shown</p>;
    }
    const tree = (suspended: boolean) => (
      <PzkProvider client={client}>
        <Suspense fallback={<p>waiting</p>}>
          <Starter suspended={suspended} />
        </Suspense>
      </PzkProvider>
    );
    const { rerender } = render(tree(false));
    let enrolling: Promise<EnrollState> | undefined;
    await act(async () => {
      enrolling = hook.enroll?.enroll({ apiKey: service.apiKey, user: USER });
      await asked;
    });
    rerender(tree(true));
    expect(screen.queryByText('waiting')).not.toBeNull();
    service.authenticator.configure({ onUserPrompt: () => undefined });
    await act(async () => {
      answer();
      expect(await enrolling).toMatchObject({ status: 'enrolled' });
    });
  });

  it('does not come with the unmount of another component', async () => {
    const { asked, answer } = holdPrompt();
    const hook: { enroll?: UseEnroll } = {};
    function Starter() {
      hook.enroll = useEnroll();
      return null;
    }
    function Other() {
      useEnroll();
      return null;
    }
    const tree = (withOther: boolean) => (
      <PzkProvider client={client}>
        <Starter />
        {withOther && <Other />}
      </PzkProvider>
    );
    const { rerender } = render(tree(true));
    let enrolling: Promise<EnrollState> | undefined;
    await act(async () => {
      enrolling = hook.enroll?.enroll({ apiKey: service.apiKey, user: USER });
      await asked;
    });
    rerender(tree(false));
    service.authenticator.configure({ onUserPrompt: () => undefined });
    await act(async () => {
      answer();
      expect(await enrolling).toMatchObject({ status: 'enrolled' });
    });
  });

  it('follows a signal of the caller', async () => {
    const { asked } = holdPrompt();
    const { result } = mount();
    const controller = new AbortController();
    await act(async () => {
      const request = { apiKey: service.apiKey, user: USER, signal: controller.signal };
      const enrolling = result.current.enroll.enroll(request);
      await asked;
      controller.abort();
      await enrolling;
    });
    expect(result.current.enroll.status).not.toBe('enrolled');
    expect(result.current.enroll.status).not.toBe('creating-passkey');
  });
});

describe('outside of a provider', () => {
  it('a hook says what is missing', () => {
    expect(() => renderHook(() => useSession())).toThrow(/PzkProvider/);
  });

  it('nothing stays subscribed after the unmount, also under StrictMode', () => {
    let subscriptions = 0;
    const counted = ({ subscribe, getSnapshot }: Observable<unknown>) => ({
      getSnapshot,
      subscribe(listener: () => void) {
        const end = subscribe(listener);
        subscriptions++;
        return () => {
          subscriptions--;
          end();
        };
      },
    });
    const watched = {
      ...client,
      ...counted(client),
      enrollment: counted(client.enrollment),
    } as Client;
    const { unmount } = mount({ strict: true, client: watched });
    expect(subscriptions).toBe(2);
    unmount();
    expect(subscriptions).toBe(0);
  });

  it('an own client is left open by the provider', async () => {
    const { unmount, result } = mount();
    await act(async () => {
      await result.current.enroll.enroll({ apiKey: service.apiKey, user: USER });
    });
    unmount();
    await waitFor(() => expect(client.getSnapshot().status).toBe('active'));
    const answer = await client.fetch(`${ORIGIN}/api/weather`);
    expect(answer.status).toBe(200);
  });
});
