import { join, relative, resolve } from 'node:path';
import type { CircuitManifest } from '@pzk-auth/circuits';
import {
  type Contribution,
  contributeToSetup,
  phase1,
  readPhase1,
  verifySetup,
} from '@pzk-auth/circuits/setup';
import { CliError, usageError } from '../cli-error.js';
import type { Arguments, Command } from '../command.js';
import { loadSnarkjs } from '../engine.js';
import { printable } from '../format.js';

const snarkjs = () => loadSnarkjs(join(process.cwd(), 'package.json'));

async function readPtau(args: Arguments): Promise<Uint8Array> {
  const path = args.get('ptau');
  if (path === undefined) {
    throw usageError('--ptau FILE: the public phase 1.', `Download it: curl -O ${phase1.url}`);
  }
  try {
    return await readPhase1(path);
  } catch (cause) {
    const message = `${path} is not the file of phase 1, or cannot be read.`;
    const hint = `Download it: curl -O ${phase1.url}`;
    throw new CliError('negative', 'phase1_refused', message, hint, { cause });
  }
}

/** Where to put the keys, for the two sides that have to know them. */
function configurationLines(manifest: CircuitManifest, directory: string) {
  const { prover, verificationKey } = manifest.artifacts;
  const path = relative(process.cwd(), directory) || '.';
  const place = path.startsWith('..') ? directory : `./${path.replaceAll('\\', '/')}`;
  return {
    verifier: [
      "import { ownershipCircuit } from '@pzk-auth/verifier';",
      '',
      'circuits: [',
      '  ownershipCircuit({',
      '    setup: {',
      `      directory: ${JSON.stringify(place)},`,
      `      verificationKey: '${verificationKey.sha256}',`,
      '    },',
      '  }),',
      '],',
    ],
    client: [
      'circuit: {',
      `  id: '${manifest.id}',`,
      '  prover: {',
      `    sha256: '${prover.sha256}',`,
      `    bytes: ${prover.bytes},`,
      '  },',
      '  verificationKey: {',
      `    sha256: '${verificationKey.sha256}',`,
      '  },',
      '},',
    ],
  };
}

function formatContributions(contributions: readonly Contribution[]): string[] {
  return contributions.map(({ number, name, kind, hash }) => {
    return `${number}. ${printable(name)} (${kind})\n   ${hash}`;
  });
}

async function attempt<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof TypeError) throw usageError(`--${cause.message}`);
    const message = cause instanceof Error ? cause.message : 'unknown';
    throw new CliError('negative', 'setup_refused', message, undefined, { cause });
  }
}

/** `setup contribute`. */
export const contribute: Command = {
  name: 'setup contribute',
  summary: 'Add a contribution of your own to the circuit keys, in a directory of your own.',
  help: [
    `--ptau FILE       the public phase 1: ${phase1.url}`,
    '--name NAME       who contributes: 1 to 64 letters, digits, spaces or . , : @ - _',
    '--out DIR         where the new keys go (default: pzk-setup); empty, or not there',
    '--from DIR        keys to start from (default: those that the project publishes)',
  ],
  options: {
    ptau: { type: 'string' },
    name: { type: 'string' },
    out: { type: 'string' },
    from: { type: 'string' },
  },
  async run(args) {
    const name = args.get('name');
    if (name === undefined) throw usageError('--name NAME: who contributes.');
    const ptau = await readPtau(args);
    const tools = await snarkjs();
    const directory = resolve(args.get('out') ?? 'pzk-setup');
    const from = args.get('from');
    const { manifest, contributions, hash } = await attempt(() =>
      contributeToSetup({
        snarkjs: tools,
        ptau,
        directory,
        name,
        ...(from === undefined ? {} : { from: resolve(from) }),
      }),
    );
    const lines = configurationLines(manifest, directory);
    return {
      json: {
        directory,
        contribution: hash,
        contributions,
        verifier: lines.verifier.join('\n'),
        client: lines.client.join('\n'),
      },
      text: [
        `wrote ${directory}`,
        `your contribution, to publish: ${hash}`,
        '',
        'In the options of createVerifier:',
        '',
        ...lines.verifier,
        '',
        'In the options of createClient:',
        '',
        ...lines.client,
      ].join('\n'),
      note:
        'The secret was kept in the memory of this process alone, which ends now. Verifier and clients ' +
        'change together: proofs for other keys do not verify. Deploy the directory with the server.',
    };
  },
};

/** `setup verify`. */
export const verify: Command = {
  name: 'setup verify',
  parameters: ['[DIR]'],
  summary: 'Check circuit keys against the circuit and the public phase 1.',
  help: [
    `--ptau FILE       the public phase 1: ${phase1.url}`,
    'DIR               the keys (default: those that the project publishes)',
  ],
  options: { ptau: { type: 'string' } },
  async run(args) {
    const ptau = await readPtau(args);
    const tools = await snarkjs();
    const [given] = args.positionals;
    const directory = given === undefined ? undefined : resolve(given);
    const { manifest, contributions } = await attempt(() =>
      verifySetup({ snarkjs: tools, ptau, ...(directory === undefined ? {} : { directory }) }),
    );
    const lines = directory === undefined ? undefined : configurationLines(manifest, directory);
    const { sha256 } = manifest.artifacts.verificationKey;
    return {
      json: {
        valid: true,
        circuit: manifest.id,
        verificationKey: sha256,
        prover: manifest.artifacts.prover.sha256,
        contributions,
        ...(lines === undefined
          ? {}
          : { verifier: lines.verifier.join('\n'), client: lines.client.join('\n') }),
      },
      text: [
        ...formatContributions(contributions),
        `ok: the keys are of ${manifest.id} and of these contributions, and all files follow from them`,
        `verification key: ${sha256}`,
      ].join('\n'),
      note:
        'Whether a contribution held a secret cannot be seen: trust those whose hash their maker ' +
        'published. The circuit is the one of the installed @pzk-auth/circuits.',
    };
  },
};
