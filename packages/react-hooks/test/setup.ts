import { cleanup } from '@testing-library/react';
import { afterEach } from 'vitest';

// React checks for this, so that it warns about changes outside of `act`.
Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });
afterEach(() => cleanup());
