// Where the package keeps things. Every script resolves through here, never through the cwd.
const root = new URL('../', import.meta.url);

export const circomDirectory = new URL('circom/', root);
/** Scratch space, git-ignored: what circom writes, its GPL witness runtime included. */
export const buildDirectory = new URL('build/', root);
export const artifactsDirectory = new URL('artifacts/ownership-v1/', root);
export const generatedModule = new URL('src/ownership-v1.generated.ts', root);

/** Base name of every file of the circuit, in build/ and in artifacts/. */
export const circuitName = 'ownership-v1';
