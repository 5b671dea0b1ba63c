/**
 * Tells Stryker to leave alone what errors say to people: all arguments after the code of a `PzkError` or
 * a `refusal`, and the text of a built-in error. What callers and the wire see, the code and the class,
 * is mutated as everything else.
 */
import { declareValuePlugin, PluginKind } from '@stryker-mutator/api/plugin';

/** Which argument is the first that only people read. */
const FIRST_TEXT = new Map([
  ['PzkError', 1],
  ['refusal', 1],
  ['VerificationKeyError', 1],
  // Of verification-key.ts, with a flaw as its code.
  ['fail', 1],
  ['KeyPointError', 0],
  ['Error', 0],
  ['TypeError', 0],
  ['RangeError', 0],
]);

function shouldIgnore(path) {
  const call = path.parent;
  if (path.listKey !== 'arguments' || !['NewExpression', 'CallExpression'].includes(call.type)) {
    return undefined;
  }
  const first = FIRST_TEXT.get(call.callee.name);
  return first !== undefined && path.key >= first ? 'a text of an error' : undefined;
}

export const strykerPlugins = [
  declareValuePlugin(PluginKind.Ignore, 'error-texts', { shouldIgnore }),
];
