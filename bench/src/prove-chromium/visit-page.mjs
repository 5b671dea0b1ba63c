/**
 * What one visit gave.
 *
 * @typedef {object} Visit
 * @property {number} cold - milliseconds from the navigation to the first proof
 * @property {number[]} warm - milliseconds of each further proof
 * @property {number} bytes - transferred until the first proof: bodies as compressed, and headers
 * @property {any} proof - the first, as the page's prover gives it
 * @property {string} context - what it is bound to
 */

/**
 * Visits a page as somebody who was never there: a fresh context has an empty cache.
 *
 * @param {import('playwright-core').Browser} browser
 * @param {import('./static-server.mjs').StaticServer} server
 * @param {number} warmProofs
 * @returns {Promise<Visit>}
 */
export async function visitPage(browser, server, warmProofs) {
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    // Counted by the server: the inspector of a page does not see the program of its worker.
    const sentBefore = server.bytesSent();
    const told = page.waitForEvent('console', {
      predicate: (message) => /^(first-proof|failed) /.test(message.text()),
      timeout: 60_000,
    });
    await page.goto(server.url, { waitUntil: 'commit' });
    const text = (await told).text();
    if (!text.startsWith('first-proof ')) throw new Error(`The page ${text}`);
    const first = JSON.parse(text.slice('first-proof '.length));
    const cold = first.milliseconds;
    const bytes = server.bytesSent() - sentBefore;
    const warm = [];
    for (let index = 0; index < warmProofs; index++) {
      warm.push(await page.evaluate('globalThis.proveAgain()'));
    }
    return { cold, warm, bytes, proof: first.proof, context: first.context };
  } finally {
    await context.close();
  }
}
