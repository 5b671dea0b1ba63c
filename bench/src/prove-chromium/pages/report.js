/* global __INPUT__ */

/**
 * The opening and the commitment, the same for both pages, with a context of its own.
 *
 * @returns {Record<'tag' | 'm0' | 'm1' | 'salt' | 'commitment' | 'context', bigint>}
 */
function createInput() {
  const random = crypto.getRandomValues(new Uint8Array(31));
  const context = BigInt(
    `0x${[...random].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`,
  );
  const given = Object.entries(__INPUT__).map(([name, value]) => [name, BigInt(value)]);
  return { ...Object.fromEntries(given), context };
}

/**
 * Proves once, says when that was done, and leaves the prover to the bench.
 *
 * @param {(input: ReturnType<typeof createInput>) => Promise<unknown>} prove - gives the proof as it
 *   comes
 */
export async function reportProofs(prove) {
  try {
    const input = createInput();
    const proof = await prove(input);
    // Since the navigation.
    const milliseconds = performance.now();
    globalThis.proveAgain = async () => {
      const next = createInput();
      const start = performance.now();
      await prove(next);
      return performance.now() - start;
    };
    console.log(
      `first-proof ${JSON.stringify({ milliseconds, proof, context: String(input.context) })}`,
    );
  } catch (error) {
    console.log(`failed ${error instanceof Error ? error.stack : error}`);
  }
}
