/**
 * What every measurement is told.
 *
 * @typedef {object} Settings
 * @property {boolean} quick - fewer rounds, less certain
 * @property {(text: string) => void} note - says something beside the figures
 */

export {};
