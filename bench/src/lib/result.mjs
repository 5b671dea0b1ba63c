import { median, spread } from './statistics.mjs';

/**
 * One line of the report.
 *
 * @typedef {object} Result
 * @property {string} id
 * @property {number} value - ours, a median
 * @property {string} unit
 * @property {string} peer - what it was measured against, with its settings
 * @property {number} peerValue - a median
 * @property {number} ratio - above 1 we are ahead
 * @property {number} spread - the middle half of the ratios of the rounds, as a part of their median
 */

/**
 * Compares two lists of figures that were taken round by round.
 *
 * @param {object} comparison
 * @param {string} comparison.id
 * @param {string} comparison.unit
 * @param {string} comparison.peer
 * @param {readonly number[]} comparison.ours
 * @param {readonly number[]} comparison.theirs
 * @param {'less' | 'more'} comparison.better - whether less or more is ahead
 * @returns {Result}
 */
export function compare({ id, unit, peer, ours, theirs, better }) {
  const [value, peerValue] = [median(ours), median(theirs)];
  /** @type {(a: number, b: number) => number} */
  const ratio = (a, b) => (better === 'less' ? b / a : a / b);
  const ratios = ours.map((figure, round) => ratio(figure, theirs[round] ?? peerValue));
  return {
    id,
    value,
    unit,
    peer,
    peerValue,
    ratio: ratio(value, peerValue),
    spread: spread(ratios),
  };
}
