/// <reference types="node" />
import { existsSync, readFileSync } from 'node:fs';

/** Reads a file of `vectors/`; its form is the caller's knowledge. */
export function readVectors<T>(name: string): T {
  const file = new URL(`../vectors/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')) as T;
}

/** A file of the directory beside the repository that holds vectors of others, where it is there. */
export function readSharedVectors<T>(path: string): T | undefined {
  const file = new URL(`../../../../shared/vectors/${path}`, import.meta.url);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as T) : undefined;
}

/** Reads a document of the repository. */
export function readDocument(name: string): string {
  return readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8');
}

export function fromHex(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(text, 'hex'));
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** The code of the error that a function throws; undefined where it returns. */
export function codeOf(run: () => unknown): string | undefined {
  try {
    run();
  } catch (error) {
    return (error as { code?: string }).code ?? (error as Error).name;
  }
  return undefined;
}
