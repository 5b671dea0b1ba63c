'use client';

import { type CapabilityReport, probeSupport } from '@pzk-auth/client';
import { useEffect, useState } from 'react';

/**
 * What is known of this browser; `checking` until the answer, and on a server. `unsupported` if
 * something required is missing; each capability says what it means and what to do.
 */
export type UsePasskeySupport =
  | { readonly status: 'checking' }
  | {
      readonly status: 'supported' | 'unsupported';
      readonly capabilities: readonly CapabilityReport[];
    };

const CHECKING: UsePasskeySupport = Object.freeze({ status: 'checking' });

/**
 * Whether this browser can take part, with the reason where it cannot. Asks nothing of the user.
 * What an authenticator can do shows only when it is used. Needs no provider.
 */
export function usePasskeySupport(): UsePasskeySupport {
  const [support, setSupport] = useState<UsePasskeySupport>(CHECKING);
  useEffect(() => {
    let wanted = true;
    void probeSupport().then(({ supported, capabilities }) => {
      if (wanted) setSupport({ status: supported ? 'supported' : 'unsupported', capabilities });
    });
    return () => {
      wanted = false;
    };
  }, []);
  return support;
}
