import { type ClientOptions, createClient, createMemoryStorage } from '@pzk-auth/client';
import { act, render } from '@testing-library/react';
import { StrictMode } from 'react';
import { hydrateRoot } from 'react-dom/client';
import { renderToString } from 'react-dom/server';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createClientHandle } from '../src/client-handle.js';
import {
  PzkProvider,
  type UseEnroll,
  type UseSession,
  useEnroll,
  usePasskeySupport,
  useSession,
} from '../src/index.js';
import { createService, type Service, USER } from './service.js';

let service: Service;
beforeEach(async () => {
  service = await createService();
});
afterEach(() => service.close());

const nextTask = () => new Promise((resolve) => setTimeout(resolve, 5));

function Status() {
  const session = useSession();
  const enroll = useEnroll();
  const support = usePasskeySupport();
  return (
    <p>
      {session.status} {enroll.status} {support.status}
    </p>
  );
}

/** Options that say when they are read: then a client is created. */
function watchOptions(options: ClientOptions): { options: ClientOptions; reads: () => number } {
  let reads = 0;
  return {
    reads: () => reads,
    options: {
      ...options,
      get issuer() {
        reads++;
        return options.issuer;
      },
    },
  };
}

describe('PzkProvider', () => {
  it('creates its client once under StrictMode, not while rendering, and closes it at the real unmount', async () => {
    const hook: { session?: UseSession; enroll?: UseEnroll } = {};
    const readsWhileRendering: number[] = [];
    function Capture() {
      readsWhileRendering.push(reads());
      hook.session = useSession();
      hook.enroll = useEnroll();
      return null;
    }
    const { options, reads } = watchOptions(service.clientOptions);
    createClient(options).close();
    const readsOfOne = reads();
    const { unmount } = render(
      <StrictMode>
        <PzkProvider options={options}>
          <Capture />
        </PzkProvider>
      </StrictMode>,
    );
    await act(nextTask);
    await act(async () => {
      await hook.enroll?.enroll({ apiKey: service.apiKey, user: USER });
    });
    expect(hook.session?.status).toBe('active');
    // The first rendering and its repetition by StrictMode created nothing.
    expect(readsWhileRendering.slice(0, 2)).toEqual([readsOfOne, readsOfOne]);
    expect(reads()).toBe(2 * readsOfOne);
    unmount();
    await nextTask();
    // The client is gone: a late call of an action finds another one, which knows no session.
    expect(await hook.session?.renew()).toMatchObject({ status: 'failed' });
    expect(reads()).toBe(3 * readsOfOne);
  });

  it('keeps its client when it is given other options at each rendering', async () => {
    const hook: { enroll?: UseEnroll; session?: UseSession } = {};
    function Capture() {
      hook.enroll = useEnroll();
      hook.session = useSession();
      return null;
    }
    const tree = (scope: string) => (
      <PzkProvider options={{ ...service.clientOptions, scope: [scope] }}>
        <Capture />
      </PzkProvider>
    );
    const { rerender } = render(tree('weather:read'));
    await act(async () => {
      await hook.enroll?.enroll({ apiKey: service.apiKey, user: USER });
    });
    const start = hook.session?.start;
    rerender(tree('weather:read'));
    rerender(tree('other'));
    await act(nextTask);
    expect(hook.session).toMatchObject({ status: 'active', scope: ['weather:read'] });
    expect(hook.session?.start).toBe(start);
  });

  it('lets what is below render once: the first state is the one that the server renders', async () => {
    let renderings = 0;
    function Count() {
      useSession();
      useEnroll();
      renderings++;
      return null;
    }
    render(
      <PzkProvider options={service.clientOptions}>
        <Count />
      </PzkProvider>,
    );
    await act(nextTask);
    expect(renderings).toBe(1);
  });

  it('has a session of its own beside and within another provider', async () => {
    const outer: { enroll?: UseEnroll; session?: UseSession } = {};
    const inner: { session?: UseSession } = {};
    function Outer() {
      outer.enroll = useEnroll();
      outer.session = useSession();
      return null;
    }
    function Inner() {
      inner.session = useSession();
      return null;
    }
    const { rerender } = render(
      <PzkProvider options={service.clientOptions}>
        <Outer />
        <PzkProvider options={service.clientOptions}>
          <Inner />
        </PzkProvider>
      </PzkProvider>,
    );
    await act(async () => {
      await outer.enroll?.enroll({ apiKey: service.apiKey, user: USER });
    });
    expect(outer.session?.status).toBe('active');
    expect(inner.session?.status).toBe('signed-out');
    rerender(
      <PzkProvider options={service.clientOptions}>
        <Outer />
      </PzkProvider>,
    );
    await act(nextTask);
    await act(async () => {
      expect(await outer.session?.renew()).toMatchObject({ status: 'active' });
    });
  });

  it('lets a sign-out reach the server although it unmounts at once', async () => {
    const hook: { enroll?: UseEnroll; session?: UseSession } = {};
    function Capture() {
      hook.enroll = useEnroll();
      hook.session = useSession();
      return null;
    }
    const { unmount } = render(
      <PzkProvider options={service.clientOptions}>
        <Capture />
      </PzkProvider>,
    );
    await act(async () => {
      await hook.enroll?.enroll({ apiKey: service.apiKey, user: USER });
    });
    const signingOut = hook.session?.signOut();
    unmount();
    expect(await signingOut).toEqual({ status: 'signed-out' });
    expect(service.requests.at(-1)).toBe('/pzk/revoke');
  });

  describe('a sign-out after the unmount', () => {
    async function enrolAndUnmount(): Promise<UseSession> {
      const hook: { enroll?: UseEnroll; session?: UseSession } = {};
      const options = { ...service.clientOptions, storage: createMemoryStorage() };
      function Capture() {
        hook.enroll = useEnroll();
        hook.session = useSession();
        return null;
      }
      const { unmount } = render(
        <PzkProvider options={options}>
          <Capture />
        </PzkProvider>,
      );
      await act(async () => {
        await hook.enroll?.enroll({ apiKey: service.apiKey, user: USER });
      });
      unmount();
      await nextTask();
      return hook.session as UseSession;
    }

    it('ends the session at the server all the same, and leaves nothing to resume', async () => {
      const session = await enrolAndUnmount();
      expect(await session.signOut()).toEqual({ status: 'signed-out' });
      expect(service.requests.slice(-2)).toEqual(['/pzk/token', '/pzk/revoke']);
      const asked = service.requests.length;
      expect(await session.resume()).toEqual({ status: 'signed-out' });
      expect(service.requests).toHaveLength(asked);
    });

    it('tells where the server has not heard of it', async () => {
      const session = await enrolAndUnmount();
      service.cutNetwork();
      const ended = await session.signOut();
      expect(ended.status === 'failed' && ended.error.code).toBe('network_error');
    });
  });

  it('refuses to be without a client and options', () => {
    const props = {} as Parameters<typeof PzkProvider>[0];
    expect(() => render(<PzkProvider {...props} />)).toThrow(/client or the options/);
  });

  it('throws for wrong options when it mounts, where an error boundary can show the hint', () => {
    const wrong = { issuer: 'http://api.example.com', scope: ['weather:read'] };
    const tree = (
      <PzkProvider options={wrong}>
        <Status />
      </PzkProvider>
    );
    expect(() => render(tree)).toThrow(/createClient: issuer must be https/);
  });

  it('warms up and resumes if told, and neither is a ceremony', async () => {
    render(
      <StrictMode>
        <PzkProvider options={service.clientOptions} resume warmUp>
          <Status />
        </PzkProvider>
      </StrictMode>,
    );
    await act(async () => {
      await expect
        .poll(() => service.requests.some((path) => path.startsWith('/pzk/circuits/')))
        .toBe(true);
    });
    expect(service.requests).not.toContain('/pzk/challenge');
    expect(service.requests).not.toContain('/pzk/token');
  });
});

describe('on a server', () => {
  it('renders the signed-out state without a client, and hydrates without a difference', async () => {
    const { options, reads } = watchOptions(service.clientOptions);
    const tree = (
      <PzkProvider options={options}>
        <Status />
      </PzkProvider>
    );
    const html = renderToString(tree);
    expect(html.replaceAll('<!-- -->', '')).toBe('<p>signed-out idle checking</p>');
    expect(reads()).toBe(0);

    const container = document.createElement('div');
    container.innerHTML = html;
    const problems: unknown[] = [];
    const root = await act(async () =>
      hydrateRoot(container, tree, { onRecoverableError: (error) => problems.push(error) }),
    );
    await act(nextTask);
    expect(problems).toEqual([]);
    expect(container.textContent).toMatch(/^signed-out idle /);
    expect(reads()).toBeGreaterThan(0);
    await act(async () => root.unmount());
  });
});

describe('createClientHandle', () => {
  it('gives the same client until the last holder has let go, then another', async () => {
    const handle = createClientHandle(service.clientOptions);
    const first = handle.client();
    const close = vi.spyOn(first, 'close');
    const release = handle.retain();
    release();
    const releaseAgain = handle.retain();
    await nextTask();
    expect(handle.client()).toBe(first);
    expect(close).not.toHaveBeenCalled();
    releaseAgain();
    releaseAgain();
    await nextTask();
    expect(close).toHaveBeenCalledTimes(1);
    expect(handle.session.get()).toEqual({ status: 'signed-out' });
    expect(handle.client()).not.toBe(first);
    handle.client().close();
  });

  it('closes also a client that a late call has made', async () => {
    const handle = createClientHandle(service.clientOptions);
    handle.retain()();
    await nextTask();
    const late = handle.client();
    const close = vi.spyOn(late, 'close');
    await nextTask();
    expect(close).toHaveBeenCalledTimes(1);
  });

  it('keeps a client that the effect of a child needs before the provider retains it', async () => {
    const handle = createClientHandle(service.clientOptions);
    const early = handle.client();
    const release = handle.retain();
    await nextTask();
    expect(handle.client()).toBe(early);
    release();
  });

  it('keeps it also where the effects of the provider come late', async () => {
    const handle = createClientHandle(service.clientOptions);
    const early = handle.client();
    const close = vi.spyOn(early, 'close');
    await nextTask();
    const release = handle.retain();
    expect(handle.client()).toBe(early);
    expect(close).not.toHaveBeenCalled();
    release();
    await nextTask();
    expect(close).toHaveBeenCalledTimes(1);
  });
});
