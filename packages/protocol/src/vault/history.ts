import { decodeBase64url, encodeBase64url } from '../base64url.js';
import { equalBytes } from '../bytes.js';
import { sha256 } from '../hash.js';
import { labels } from '../labels.js';
import { lp } from '../length-prefix.js';
import type { VaultManifest } from './manifest.js';

// Counters are safe integers: beyond 32 bits, so without bitwise operators.
const half = (n: number) => Math.floor(n / 2);
const isOdd = (n: number) => n % 2 === 1;

function onesOf(n: number): number {
  let ones = 0;
  for (let rest = n; rest > 0; rest = half(rest)) ones += rest % 2;
  return ones;
}

/** Leaves of the history of a manifest: all before the previous one. */
const leavesAt = (counter: number) => Math.max(counter - 2, 0);

/** How many hashes the history of a manifest with this counter has. */
export function historyLength(counter: number): number {
  return onesOf(leavesAt(counter));
}

/** A node with its place in the history of a vault; it never changes. */
export interface HistoryNode {
  /** 0 for a leaf. */
  readonly level: number;
  /** From 0, among the nodes of its level. */
  readonly position: number;
  /** base64url of 32 bytes. */
  readonly hash: string;
}

function parentOf(left: string, right: string): string {
  return encodeBase64url(sha256(lp(labels.history, decodeBase64url(left), decodeBase64url(right))));
}

/**
 * The nodes that a vault's history gains with the manifest after the given one, lowest first
 * (docs/protocol.md section 12.4). The last one is a top.
 */
export function nodesAfter({
  counter,
  previous,
  history,
}: Pick<VaultManifest, 'counter' | 'previous' | 'history'>): readonly HistoryNode[] {
  if (counter < 2) return [];
  const tops = [...history];
  let node: HistoryNode = { level: 0, position: leavesAt(counter), hash: previous };
  const nodes = [node];
  while (isOdd(node.position)) {
    const { level, position, hash } = node;
    const left = tops.pop();
    if (left === undefined) throw new TypeError('The history is not that of this counter.');
    node = { level: level + 1, position: half(position), hash: parentOf(left, hash) };
    nodes.push(node);
  }
  return nodes;
}

/** `history` of the manifest after the given one. */
export function historyAfter(
  manifest: Pick<VaultManifest, 'counter' | 'previous' | 'history'>,
): string[] {
  const nodes = nodesAfter(manifest);
  const top = nodes.at(-1);
  if (top === undefined) return [];
  return [...manifest.history.slice(0, manifest.history.length - (nodes.length - 1)), top.hash];
}

/** The level of the tree in which a leaf stands. */
function levelOfTop(leaf: number, leaves: number): number {
  let level = 0;
  for (let size = 2; (Math.floor(leaf / size) + 1) * size <= leaves; size *= 2) level++;
  return level;
}

/**
 * Where the ancestry of a manifest stands: the siblings on the way from the earlier manifest to the top
 * above it, lowest first. None where the earlier one is not before the previous one.
 */
export function ancestryPlaces(
  counter: number,
  earlier: number,
): readonly Pick<HistoryNode, 'level' | 'position'>[] {
  const leaves = leavesAt(counter);
  let position = earlier - 1;
  if (!(position >= 0 && position < leaves)) return [];
  return Array.from({ length: levelOfTop(position, leaves) }, (_, level) => {
    const sibling = isOdd(position) ? position - 1 : position + 1;
    position = half(position);
    return { level, position: sibling };
  });
}

/** A manifest that somebody remembers. */
export interface EarlierManifest {
  readonly counter: number;
  /** SHA-256 of its bytes. */
  readonly hash: Uint8Array;
}

/**
 * Whether an earlier manifest is an ancestor of this one (docs/protocol.md section 12.4). Check the
 * signature first: what the signer's history says is taken for true.
 *
 * @param ancestry - base64url; empty where the earlier one is the previous one.
 */
export function isAncestor(
  { counter, previous, history }: Pick<VaultManifest, 'counter' | 'previous' | 'history'>,
  earlier: EarlierManifest,
  ancestry: readonly string[],
): boolean {
  if (earlier.counter === counter - 1) {
    const isPrevious = previous === encodeBase64url(earlier.hash);
    return isPrevious && ancestry.length === 0;
  }
  const leaves = leavesAt(counter);
  let position = earlier.counter - 1;
  if (!(position >= 0 && position < leaves)) return false;
  const level = levelOfTop(position, leaves);
  if (ancestry.length !== level) return false;
  let node = encodeBase64url(earlier.hash);
  for (const sibling of ancestry) {
    node = isOdd(position) ? parentOf(sibling, node) : parentOf(node, sibling);
    position = half(position);
  }
  // Larger trees stand before it, one for each 1 above this level.
  const top = history[onesOf(Math.floor(leaves / 2 ** (level + 1)))];
  return top !== undefined && equalBytes(decodeBase64url(node), decodeBase64url(top));
}
