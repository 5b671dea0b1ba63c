import { type UseEnroll, useEnroll } from '@pzk-auth/react-hooks';
import { useCallback, useRef, useState } from 'react';
import { browserName } from './browser-name.js';
import { PASSKEY_USER } from './passkey-user.js';

/** An enrolment that gets its API key from the platform. */
export interface UseSignUp {
  readonly enroll: UseEnroll;
  /** Whether the platform gave no key. */
  readonly refused: boolean;
  readonly signUp: () => Promise<void>;
}

/**
 * Signs up: the platform issues a key, and this browser enrols with it at once. The key stays out of
 * React's state, and is kept only until an enrolment has succeeded, so that a cancelled one can go on.
 */
export function useSignUp(): UseSignUp {
  const enroll = useEnroll();
  const [refused, setRefused] = useState(false);
  const apiKey = useRef('');
  const { enroll: begin, reset } = enroll;

  const signUp = useCallback(async () => {
    setRefused(false);
    reset();
    if (apiKey.current === '') {
      try {
        const response = await fetch('/account/sign-up', { method: 'POST' });
        if (!response.ok) throw new Error(String(response.status));
        apiKey.current = (await response.json()).apiKey;
      } catch {
        return setRefused(true);
      }
    }
    const { status } = await begin({
      apiKey: apiKey.current,
      user: PASSKEY_USER,
      deviceName: browserName(),
    });
    if (status === 'enrolled') apiKey.current = '';
  }, [begin, reset]);

  return { enroll, refused, signUp };
}
