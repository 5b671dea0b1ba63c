/**
 * Runs contenders in turn, so that what else the machine does hits them alike, and in another order
 * each round, so that none always follows the same one.
 *
 * @template {string} Name
 * @param {Readonly<Record<Name, (round: number) => Promise<number>>>} contenders - each run gives
 *   one figure
 * @param {{ readonly rounds: number, readonly warmUp?: number }} options - `warmUp` rounds come first
 *   and are not kept; default 1
 * @returns {Promise<Record<Name, number[]>>} the figures of each contender, by round
 */
export async function interleave(contenders, { rounds, warmUp = 1 }) {
  const names = /** @type {Name[]} */ (Object.keys(contenders));
  const samples = /** @type {Record<Name, number[]>} */ ({});
  for (const name of names) samples[name] = [];
  for (let round = -warmUp; round < rounds; round++) {
    for (let index = 0; index < names.length; index++) {
      const turn = (((round + index) % names.length) + names.length) % names.length;
      const name = /** @type {Name} */ (names[turn]);
      const figure = await contenders[name](round);
      if (round >= 0) samples[name].push(figure);
    }
  }
  return samples;
}

/**
 * Milliseconds that one of several calls in a row takes, on average.
 *
 * @param {number} repetitions
 * @param {() => unknown} work
 */
export async function timeEach(repetitions, work) {
  const start = performance.now();
  for (let index = 0; index < repetitions; index++) await work();
  return (performance.now() - start) / repetitions;
}
