/** Registers the keys of the suite before the first request. */
export async function register() {
  if (process.env.NEXT_RUNTIME !== 'nodejs') return;
  const { verifier } = await import('./lib/pzk');
  const { verifierOptions } = await import('./lib/host');
  for (const commitment of (process.env.COMMITMENTS ?? '').split(' ')) {
    await verifier().keys.register({ commitment, scopes: verifierOptions.scopes });
  }
  console.log('parity: ready');
}
