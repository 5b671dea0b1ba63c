'use client';

import { PzkProvider } from '@pzk-auth/react-hooks';
import { useRouter } from 'next/navigation';
import { type ReactNode, useMemo } from 'react';

/** The client of this page. It is made in the browser, when it is first needed. */
export function Providers({ issuer, children }: { issuer: string; children: ReactNode }) {
  const router = useRouter();
  const options = useMemo(() => ({ issuer, scope: ['weather:read'] }), [issuer]);
  return (
    <PzkProvider options={options} resume pageSession onPageSession={() => router.refresh()}>
      {children}
    </PzkProvider>
  );
}
