import { PzkProvider, useEnroll, usePzkFetch, useSession } from '@pzk-auth/react-hooks';
import {
  type ComponentType,
  createElement as h,
  lazy,
  type ReactElement,
  StrictMode,
  Suspense,
  useEffect,
  useState,
} from 'react';

/** What the server tells the page. */
export interface PageProps {
  readonly origin: string;
  readonly resume: boolean;
}

const LateStatus = () => h(Status, { name: 'late' });

/** The page as server and browser render it, with a part whose program may arrive later. */
export function createPage(props: PageProps, later?: Promise<void>): ReactElement {
  const Late =
    later === undefined ? LateStatus : lazy(() => later.then(() => ({ default: LateStatus })));
  return h(StrictMode, null, h(Page, { ...props, Late }));
}

function Page({ origin, resume, Late }: PageProps & { readonly Late: ComponentType }) {
  const [renderings, setRenderings] = useState(0);
  const [open, setOpen] = useState(true);
  return h(
    PzkProvider,
    // Another object each time, as most applications write it.
    { options: { issuer: origin, scope: ['weather:read'] }, warmUp: true, resume },
    h(
      'button',
      { type: 'button', onClick: () => setRenderings(renderings + 1) },
      `Rendered again: ${renderings}`,
    ),
    h('button', { type: 'button', onClick: () => setOpen(!open) }, open ? 'Close' : 'Open'),
    h(Status, { name: 'session' }),
    h(Suspense, { fallback: h('p', null, 'Later') }, h(Late)),
    open && h(Enrol),
    h(Actions),
  );
}

function Status({ name }: { readonly name: string }) {
  const { status } = useSession();
  return h('p', { id: name }, status);
}

function Enrol() {
  const enrollment = useEnroll();
  return h(
    'form',
    {
      onSubmit: (event) => {
        event.preventDefault();
        const field = (event.currentTarget as HTMLFormElement).elements.namedItem(
          'key',
        ) as HTMLInputElement;
        void enrollment.enroll({
          apiKey: field.value,
          user: { name: 'ada', displayName: 'Ada' },
        });
        field.value = '';
      },
    },
    h('input', { name: 'key', 'aria-label': 'API key' }),
    h('button', { type: 'submit' }, 'Enrol'),
    h('p', { id: 'enrollment' }, enrollment.status),
  );
}

function Actions() {
  const session = useSession();
  const pzkFetch = usePzkFetch();
  const [answer, setAnswer] = useState('');
  const { start, warmUp } = session;
  useEffect(() => {
    Object.assign(globalThis, { kept: { start, warmUp, pzkFetch } });
  }, [start, warmUp, pzkFetch]);
  const call = async () => setAnswer(String((await pzkFetch('/api/weather')).status));
  return h(
    'p',
    null,
    h('button', { type: 'button', onClick: () => session.start() }, 'Sign in'),
    h('button', { type: 'button', onClick: () => session.signOut() }, 'Sign out'),
    h('button', { type: 'button', onClick: call }, 'Call'),
    h('output', null, answer),
  );
}
