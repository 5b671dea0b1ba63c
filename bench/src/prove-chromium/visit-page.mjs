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
 * @param {string} url
 * @param {number} warmProofs
 * @returns {Promise<Visit>}
 */
export async function visitPage(browser, url, warmProofs) {
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    const inspector = await context.newCDPSession(page);
    let bytes = 0;
    inspector.on('Network.loadingFinished', (event) => {
      bytes += event.encodedDataLength;
    });
    await inspector.send('Network.enable');
    const told = page.waitForEvent('console', {
      predicate: (message) => /^(first-proof|failed) /.test(message.text()),
      timeout: 60_000,
    });
    await page.goto(url, { waitUntil: 'commit' });
    const text = (await told).text();
    if (!text.startsWith('first-proof ')) throw new Error(`The page ${text}`);
    const first = JSON.parse(text.slice('first-proof '.length));
    const cold = first.milliseconds;
    const bytesOfFirst = bytes;
    const warm = [];
    for (let index = 0; index < warmProofs; index++) {
      warm.push(await page.evaluate('globalThis.proveAgain()'));
    }
    return { cold, warm, bytes: bytesOfFirst, proof: first.proof, context: first.context };
  } finally {
    await context.close();
  }
}
