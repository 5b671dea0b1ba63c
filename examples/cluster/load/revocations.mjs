import { setTimeout as sleep } from 'node:timers/promises';
import { attempt, callWeather, createMachine, dpop, send } from './wire.mjs';

/** How long an access token lives; what is older is refused anyway. Milliseconds. */
const TOKEN_LIFETIME = 290_000;

/**
 * Gets tokens, uses them, revokes them, and presents them again at every instance: at once, and at the
 * end, after the failovers.
 */
export function runRevocations({ issuer, operator, instances }) {
  const revoked = [];
  const counts = { acknowledged: 0, refused: 0, accepted: 0, presented: 0, unanswered: 0 };
  let stopped = false;

  async function present({ keyPair, accessToken }) {
    for (const instance of instances) {
      if (!instance.running()) continue;
      const { address } = instance;
      const { status } = await callWeather({ issuer, address, keyPair, accessToken });
      if (status === 0 || status >= 500) counts.unanswered++;
      else counts.presented++;
      if (status === 200) counts.accepted++;
    }
  }

  async function revoke({ keyPair, accessToken }) {
    const url = `${issuer}/pzk/revoke`;
    const { status } = await send(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        dpop: await dpop(keyPair, { method: 'POST', url }),
      },
      body: new URLSearchParams({ token: accessToken }).toString(),
    });
    return status === 200;
  }

  async function revokeOne(machine) {
    const body = await machine.prepareExchange();
    if (body === undefined) return sleep(200);
    const { keyPair } = machine;
    const answer = await (await attempt({ issuer, keyPair, body }))();
    if (answer.status !== 200) return sleep(100);
    const token = { keyPair, accessToken: JSON.parse(answer.text).access_token, at: Date.now() };
    const before = await callWeather({ issuer, ...token });
    // Only a token that works shows something by being refused.
    if (before.status !== 200) return;
    if (await revoke(token)) {
      counts.acknowledged++;
      revoked.push(token);
      await present(token);
    } else counts.refused++;
  }

  const worker = (async () => {
    let machine;
    while (!stopped) {
      machine ??= await createMachine({ issuer, operator }).catch(() => undefined);
      if (machine === undefined) await sleep(200);
      else await revokeOne(machine);
    }
    machine?.close();
  })();

  return {
    finish: async () => {
      stopped = true;
      await worker;
      for (const token of revoked) {
        if (Date.now() - token.at < TOKEN_LIFETIME) await present(token);
      }
      return counts;
    },
  };
}
