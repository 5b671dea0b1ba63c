import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Capability, probeSupport } from '../../src/index.js';

afterEach(() => {
  vi.unstubAllGlobals();
});

async function stateOf(capability: Capability) {
  const { capabilities } = await probeSupport();
  return capabilities.find((one) => one.capability === capability);
}

function stubWebAuthn(members: object) {
  vi.stubGlobal('isSecureContext', true);
  vi.stubGlobal(
    'PublicKeyCredential',
    Object.assign(() => {}, members),
  );
}

describe('probe of what a browser can do', () => {
  it('gives a reason and advice for what is missing', async () => {
    const report = await probeSupport();
    expect(report.supported).toBe(false);
    expect(await stateOf('webauthn')).toMatchObject({ state: 'unavailable', required: true });
    for (const { state, advice } of report.capabilities) {
      expect(advice === '').toBe(state === 'available');
    }
  });

  it('is content with a current browser', async () => {
    stubWebAuthn({
      isUserVerifyingPlatformAuthenticatorAvailable: async () => true,
      isConditionalMediationAvailable: async () => true,
      getClientCapabilities: async () => ({ 'extension:prf': true }),
    });
    expect((await probeSupport()).supported).toBe(true);
    expect((await stateOf('prf'))?.state).toBe('available');
    expect((await stateOf('platform-authenticator'))?.state).toBe('available');
  });

  it('does not claim to know PRF where the browser does not tell', async () => {
    stubWebAuthn({});
    expect((await stateOf('prf'))?.state).toBe('unknown');
    stubWebAuthn({ getClientCapabilities: () => Promise.reject(new Error()) });
    expect((await stateOf('prf'))?.state).toBe('unknown');
    stubWebAuthn({ getClientCapabilities: async () => ({ 'extension:prf': false }) });
    expect((await stateOf('prf'))?.state).toBe('unavailable');
  });

  it('finds a Content-Security-Policy that forbids WebAssembly', async () => {
    class Forbidden {
      constructor() {
        throw new WebAssembly.CompileError('refused by CSP');
      }
    }
    vi.stubGlobal('WebAssembly', { Module: Forbidden, CompileError: WebAssembly.CompileError });
    const report = await stateOf('webassembly');
    expect(report).toMatchObject({ state: 'unavailable', required: true });
    expect(report?.advice).toContain('wasm-unsafe-eval');
  });
});
