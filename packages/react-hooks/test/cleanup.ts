import { cleanup, configure } from '@testing-library/react';
import { afterEach } from 'vitest';

// The default is a second, which a busy machine may not have for a proof.
configure({ asyncUtilTimeout: 30_000 });

afterEach(() => cleanup());
