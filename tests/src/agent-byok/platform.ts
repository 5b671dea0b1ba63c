import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  openPlatformData,
  type RunningPlatform,
  type RunningVendor,
  startPlatform,
  startVendor,
} from '@pzk-auth/example-agent-byok';
import type { Stores, VerifierEvent, VerifierOptions } from '@pzk-auth/verifier';

/** The example with its stand-in of the upstream API, with data of its own. */
export interface Example {
  readonly platform: RunningPlatform;
  readonly vendor: RunningVendor;
  /** Where all of it keeps its data. */
  readonly directory: string;
  /** What the verifier told, oldest first. */
  readonly events: VerifierEvent[];
  close(): Promise<void>;
}

/**
 * Starts platform and stand-in on free ports.
 *
 * @param pause - Between two words of the stand-in's answer, in milliseconds.
 * @param adapt - Changes the stores of the platform.
 */
export async function startExample(
  verifier: Partial<VerifierOptions> = {},
  pause = 2,
  adapt: (stores: Stores) => Stores = (stores) => stores,
): Promise<Example> {
  const directory = await mkdtemp(join(tmpdir(), 'pzk-byok-'));
  const events: VerifierEvent[] = [];
  const data = openPlatformData(join(directory, 'platform'));
  const vendor = await startVendor({ directory: join(directory, 'vendor'), pause });
  const platform = await startPlatform({
    data: { ...data, stores: (issuer) => adapt(data.stores(issuer)) },
    port: 0,
    verifier: { onEvent: (event) => events.push(event), ...verifier },
  });
  return {
    platform,
    vendor,
    directory,
    events,
    async close() {
      vendor.close();
      await platform.close();
      await data.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
