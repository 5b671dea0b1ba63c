/** A program that runs. */
export interface FoundProgram {
  readonly path: string;
  readonly version: string;
}
export function findRedisServer(env?: NodeJS.ProcessEnv): FoundProgram | undefined;
export function findPostgres(env?: NodeJS.ProcessEnv): FoundProgram | undefined;
export function findChromium(env?: NodeJS.ProcessEnv): FoundProgram | undefined;
/** Finds a Python with PyJWT and its cryptography. */
export function findPyJwt(env?: NodeJS.ProcessEnv): FoundProgram | undefined;
