import { isReleaseHost } from '@pzk-auth/protocol';
import * as v from 'valibot';
import { parseAllowedAddresses } from '../keeper/address-guard.js';
import type { ForwardLimits } from '../keeper/keeper-messages.js';
import { isAllowableHeader } from '../keeper/request-headers.js';
import { isSecretHeader, type SecretHeader } from '../keeper/secret-header.js';
import { type Guard, readGuardedFile } from './guarded-directory.js';

const whole = (maximum: number) =>
  v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(maximum));
const path = v.pipe(v.string(), v.startsWith('/'));
const MEBIBYTE = 1024 * 1024;

const header = v.pipe(
  v.strictObject({
    name: v.pipe(v.string(), v.toLowerCase()),
    prefix: v.optional(v.string(), ''),
  }),
  v.check(isSecretHeader, 'is no header for a secret'),
);

const addresses = v.pipe(
  v.array(v.string()),
  v.check((texts) => {
    try {
      parseAllowedAddresses(texts);
      return true;
    } catch {
      return false;
    }
  }, 'holds something that is neither an IP address nor a subnet'),
);

/** The file that an operator writes. Everything in it is optional. */
const fileSchema = v.strictObject({
  /** Where the agent finds the broker. */
  socket: v.optional(path),
  /** Keys and pairings. */
  stateDirectory: v.optional(path),
  /** Group that may use the socket: name or number. Default: that of the broker. */
  group: v.optional(v.union([v.pipe(v.string(), v.regex(/^[a-z_][a-z0-9_-]*$/)), whole(2 ** 31)])),
  /** By host as releases name it. */
  hosts: v.optional(
    v.record(
      v.pipe(v.string(), v.check(isReleaseHost, 'is no host')),
      v.strictObject({
        /** Header for the secret; the agent cannot choose another one then. */
        header: v.optional(header),
        /** Addresses beside the public ones that this host may have. */
        addresses: v.optional(addresses),
        /** Headers that the agent may send beside the usual ones. */
        requestHeaders: v.optional(
          v.array(
            v.pipe(
              v.string(),
              v.toLowerCase(),
              v.check(isAllowableHeader, 'is no header that an agent may set'),
            ),
          ),
        ),
      }),
    ),
  ),
  /** PEM of authorities to trust for hosts, instead of the usual ones. */
  caFile: v.optional(path),
  limits: v.optional(
    v.strictObject({
      requestBytes: v.optional(whole(1024 * MEBIBYTE)),
      responseBytes: v.optional(whole(1024 * 1024 * MEBIBYTE)),
      idleSeconds: v.optional(whole(3600)),
      callSeconds: v.optional(whole(24 * 3600)),
      calls: v.optional(whole(1000)),
      /** Requests that wait and releases that go on, together, until their process is gone. */
      grants: v.optional(whole(1000)),
      /** Of agents, at a time. */
      connections: v.optional(whole(10_000)),
    }),
  ),
});

/** Options of the command line, which win over the file. */
export interface BrokerFlags {
  readonly config?: string | undefined;
  readonly socket?: string | undefined;
  readonly state?: string | undefined;
  readonly group?: string | undefined;
  readonly development?: boolean | undefined;
}

/** A broker's configuration, complete. */
export interface BrokerConfig {
  readonly socket: string;
  readonly stateDirectory: string;
  readonly group: string | number | undefined;
  readonly hosts: ReadonlyMap<
    string,
    {
      readonly header: SecretHeader | undefined;
      readonly addresses: readonly string[];
      readonly requestHeaders: readonly string[];
    }
  >;
  readonly ca: string | undefined;
  readonly limits: ForwardLimits & { readonly grants: number; readonly connections: number };
  /** Runs as the agent's user. */
  readonly isDevelopment: boolean;
}

/** Where systemd's unit keeps what it makes. */
const DEFAULTS = {
  config: '/etc/pzk-broker/config.json',
  socket: '/run/pzk-broker/agent.sock',
  stateDirectory: '/var/lib/pzk-broker',
} as const;

function readFile(path: string | undefined, guard: Guard): v.InferOutput<typeof fileSchema> {
  let text: string;
  try {
    text = readGuardedFile(path ?? DEFAULTS.config, guard);
  } catch (error) {
    if (error instanceof TypeError) throw error;
    if (path === undefined && (error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw new TypeError(`The configuration ${path ?? DEFAULTS.config} cannot be read.`, {
      cause: error,
    });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new TypeError('The configuration is not JSON.', { cause });
  }
  const result = v.safeParse(fileSchema, value, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw new TypeError(`Configuration, ${v.getDotPath(issue) ?? 'top'}: ${issue.message}`);
}

/**
 * Reads the configuration.
 *
 * @throws TypeError if it is malformed, or others may write it or the file of authorities.
 */
export function loadBrokerConfig(flags: BrokerFlags): BrokerConfig {
  const { development: isDevelopment = false } = flags;
  const file = readFile(flags.config, { isDevelopment });
  const limits = file.limits ?? {};
  return Object.freeze({
    socket: flags.socket ?? file.socket ?? DEFAULTS.socket,
    stateDirectory: flags.state ?? file.stateDirectory ?? DEFAULTS.stateDirectory,
    group: flags.group ?? file.group,
    hosts: new Map(
      Object.entries(file.hosts ?? {}).map(([host, one]) => [
        host,
        {
          header: one.header,
          addresses: one.addresses ?? [],
          requestHeaders: one.requestHeaders ?? [],
        },
      ]),
    ),
    ca: file.caFile === undefined ? undefined : readGuardedFile(file.caFile, { isDevelopment }),
    limits: {
      requestBytes: limits.requestBytes ?? 32 * MEBIBYTE,
      responseBytes: limits.responseBytes ?? 256 * MEBIBYTE,
      idleSeconds: limits.idleSeconds ?? 600,
      callSeconds: limits.callSeconds ?? 3600,
      calls: limits.calls ?? 32,
      grants: limits.grants ?? 32,
      connections: limits.connections ?? 256,
    },
    isDevelopment,
  });
}
