import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadBrokerConfig } from '../src/broker/broker-config.js';
import { connectBroker } from '../src/index.js';
import { type BrokerSetup, MAIN, prepareBroker, runBrokerProcess } from './harness/start-broker.js';

let setup: BrokerSetup;
beforeEach(() => {
  setup = prepareBroker({});
});
afterEach(() => setup.remove());

/** Why it did not start; empty if it did. */
async function reasonOf(changed: Partial<BrokerSetup>): Promise<string> {
  const broker = await runBrokerProcess({ ...setup, ...changed });
  if (broker.isListening) await broker.close();
  await broker.exited;
  return broker.isListening ? '' : broker.log.text;
}

describe('where it starts', () => {
  it('[V14] refuses a directory in which others could put another socket', async () => {
    for (const mode of [0o777, 0o1777, 0o757, 0o722]) {
      const open = join(setup.directory, `open-${mode}`);
      mkdirSync(open);
      chmodSync(open, mode);
      const reason = await reasonOf({ socket: join(open, 'agent.sock') });
      expect(reason, mode.toString(8)).toContain('Others may write');
      const below = join(open, 'below');
      mkdirSync(below, { mode: 0o700 });
      const isSticky = mode === 0o1777;
      const inner = await reasonOf({ socket: join(below, 'agent.sock') });
      expect(inner === '', mode.toString(8)).toBe(isSticky);
      const linked = join(setup.directory, `link-${mode}`);
      symlinkSync(open, linked);
      expect(await reasonOf({ socket: join(linked, 'agent.sock') })).toContain('Others may write');
    }
  });

  it('[V14] refuses a state directory that others can read', async () => {
    mkdirSync(setup.stateDirectory);
    chmodSync(setup.stateDirectory, 0o750);
    expect(await reasonOf({})).toContain('mode 0700');
  });

  it('[V14] honest: starts in directories of its own', async () => {
    expect(await reasonOf({})).toBe('');
  });

  it('[V14] refuses a configuration or authorities that others can write, or exchange', async () => {
    const caFile = join(setup.directory, 'ca.pem');
    for (const file of [setup.config, caFile]) {
      for (const mode of [0o666, 0o646]) {
        chmodSync(file, mode);
        expect(await reasonOf({}), mode.toString(8)).toContain(`Others may write ${file}`);
      }
      chmodSync(file, 0o644);
    }
    const open = join(setup.directory, 'open');
    mkdirSync(open);
    chmodSync(open, 0o777);
    const inOpen = join(open, 'config.json');
    writeFileSync(inOpen, '{}', { mode: 0o644 });
    expect(await reasonOf({ config: inOpen })).toContain(`Others may write in ${open}`);
    const linked = join(setup.directory, 'linked.json');
    symlinkSync(inOpen, linked);
    expect(await reasonOf({ config: linked })).toContain(`Others may write in ${open}`);
    expect(await reasonOf({})).toBe('');
  });

  it.runIf(process.getuid?.() === 0)(
    '[V14] refuses a configuration that belongs to another user (needs root)',
    async () => {
      chownSync(setup.config, 64_003, 64_003);
      expect(await reasonOf({})).toContain(`Others may write ${setup.config}`);
    },
  );

  it.runIf(process.getuid?.() === 0)(
    '[V14] refuses what a group can write, but for the own one in development (needs root)',
    async () => {
      const open = join(setup.directory, 'open');
      mkdirSync(open);
      const socket = join(open, 'agent.sock');
      const reasonWith = async (path: string, gid: number) => {
        chownSync(path, 0, gid);
        chmodSync(path, path === open ? 0o775 : 0o664);
        return reasonOf({ socket });
      };
      expect(await reasonWith(open, 64_002)).toContain(`Others may write in ${open}`);
      expect(await reasonWith(open, process.getgid?.() ?? 0)).toBe('');
      expect(await reasonWith(setup.config, 64_002)).toContain(`Others may write ${setup.config}`);
      expect(await reasonWith(setup.config, process.getgid?.() ?? 0)).toBe('');
    },
  );

  it('refuses a second broker, a file in the place of the socket, and a path too long', async () => {
    const first = await runBrokerProcess(setup);
    expect(await reasonOf({ stateDirectory: join(setup.directory, 'other') })).toContain(
      'running already',
    );
    expect((await first.connection.status()).form).toBe('development');
    await first.close();
    writeFileSync(setup.socket, '');
    expect(await reasonOf({})).toContain('no socket');
    const long = join(setup.directory, 'x'.repeat(100));
    expect(await reasonOf({ socket: long })).toContain('too long');
  });

  it('[V14] refuses options by which Node shows its memory', async () => {
    const start = async (options: { nodeWords?: string[]; env?: NodeJS.ProcessEnv }) => {
      const broker = await runBrokerProcess(setup, { words: [], ...options });
      if (broker.isListening) await broker.close();
      await broker.exited;
      return broker.log.text;
    };
    for (const word of ['--inspect=0', '--heapsnapshot-signal=SIGUSR2', '--inspect_port=0']) {
      expect(await start({ nodeWords: [word] }), word).toContain('told to show memory');
    }
    for (const NODE_OPTIONS of ['--inspect=0', '--no-warnings "--inspec\\t=0"']) {
      expect(await start({ env: { NODE_OPTIONS } }), NODE_OPTIONS).toContain('told to show memory');
    }
    const harmless = await start({ nodeWords: ['--max-old-space-size=300'] });
    expect(harmless).not.toContain('told to show memory');
  });

  it('switches core dumps off where they are on', () => {
    const module = fileURLToPath(new URL('../dist/broker/core-dumps.js', import.meta.url));
    const code = `
      const { disableCoreDumps } = await import(${JSON.stringify(module)});
      const isOff = disableCoreDumps();
      const limits = require('node:fs').readFileSync('/proc/self/limits', 'utf8');
      const filter = require('node:fs').readFileSync('/proc/self/coredump_filter', 'utf8');
      console.log(isOff, /Max core file size +0 +0 /.test(limits), Number('0x' + filter));`;
    const node = [process.execPath, '-e', `(async () => {${code}})()`];
    const { stdout } = spawnSync('prlimit', ['--core=1000000', ...node], { encoding: 'utf8' });
    expect(stdout).toBe('true true 0\n');
    // A limit alone does not hold where the kernel pipes dumps to a program.
    const limited = spawnSync('prlimit', ['--core=0:0', ...node], { encoding: 'utf8' });
    expect(limited.stdout).toBe('true true 0\n');
  });
});

describe('the unit of systemd (needs systemd-analyze)', () => {
  const unit = fileURLToPath(new URL('../systemd/pzk-broker.service', import.meta.url));
  const verify = () => spawnSync('systemd-analyze', ['verify', unit], { encoding: 'utf8' });

  it.runIf(verify().error === undefined)('has no setting that systemd does not know', () => {
    const { stderr } = verify();
    // Where Node is, is this machine's matter.
    const complaints = stderr.split('\n').filter((line) => line.includes('pzk-broker.service:'));
    expect(complaints.filter((line) => !line.includes('is not executable'))).toEqual([]);
  });
});

describe('configuration', () => {
  const load = (value: unknown) => {
    writeFileSync(setup.config, typeof value === 'string' ? value : JSON.stringify(value));
    return loadBrokerConfig({ config: setup.config });
  };

  it('refuses what nobody reads, and what is malformed, by its place', () => {
    for (const [value, place] of [
      ['{', 'JSON'],
      [{ sockets: '/run/x' }, 'sockets'],
      [{ socket: 'relative' }, 'socket'],
      [{ hosts: { 'https://a.example': {} } }, 'hosts'],
      [{ hosts: { 'a.example': { addresses: ['10.0.0.0/40'] } } }, 'hosts.a.example.addresses'],
      [{ hosts: { 'a.example': { header: { name: 'cookie' } } } }, 'hosts.a.example.header'],
      ...[
        'cookie',
        'x-http-method-override',
        'x_own',
        'range',
        'authorization',
        'host',
        'x-own ',
      ].map(
        (name) =>
          [
            { hosts: { 'a.example': { requestHeaders: ['x-own', name] } } },
            'hosts.a.example.requestHeaders.1',
          ] as const,
      ),
      [{ limits: { calls: 0 } }, 'limits.calls'],
    ] as const) {
      expect(() => load(value), JSON.stringify(value)).toThrow(place);
    }
    expect(() => loadBrokerConfig({ config: join(setup.directory, 'missing') })).toThrow(TypeError);
  });

  it('has defaults for everything', () => {
    const config = load({ hosts: { 'a.example:8443': { header: { name: 'X-API-Key' } } } });
    expect(config).toMatchObject({
      socket: '/run/pzk-broker/agent.sock',
      stateDirectory: '/var/lib/pzk-broker',
      isDevelopment: false,
    });
    expect(config.hosts.get('a.example:8443')).toEqual({
      header: { name: 'x-api-key', prefix: '' },
      addresses: [],
      requestHeaders: [],
    });
  });
});

describe('the development form', () => {
  const inProduction = async <T>(work: () => Promise<T>) => {
    const before = process.env.NODE_ENV;
    process.env.NODE_ENV = 'production';
    try {
      return await work();
    } finally {
      process.env.NODE_ENV = before;
    }
  };

  it('says that it protects nothing, and is refused in production', async () => {
    const directory = join(setup.directory, 'development');
    const module = fileURLToPath(new URL('../dist/index.js', import.meta.url));
    const code = `import(${JSON.stringify(module)}).then(async ({ startDevelopmentBroker }) => {
      const broker = await startDevelopmentBroker({ directory: ${JSON.stringify(directory)} });
      console.log((await broker.connection.status()).form);
      await broker.close();
    }).catch((error) => { console.log(error.code); process.exitCode = 1; })`;
    const run = (env: NodeJS.ProcessEnv) =>
      spawnSync(process.execPath, ['-e', code], {
        encoding: 'utf8',
        env: { ...process.env, ...env },
        timeout: 120_000,
      });
    const development = run({ NODE_ENV: 'development' });
    expect(development.stdout).toBe('development\n');
    expect(development.stderr).toContain('can read the secrets');
    const production = run({ NODE_ENV: 'production' });
    expect([production.stdout, production.status]).toEqual(['broker_unavailable\n', 1]);
  });

  it('is not taken for more by the library in production, unless told', async () => {
    const broker = await runBrokerProcess(setup);
    try {
      const { socket } = setup;
      await inProduction(async () => {
        await expect(connectBroker({ socket }).status()).rejects.toMatchObject({
          code: 'broker_unavailable',
        });
        const told = connectBroker({ socket, allowSameUserInProduction: true });
        expect((await told.status()).form).toBe('development');
        told.close();
      });
    } finally {
      await broker.close();
    }
  });

  it('ends with the program that started it', async () => {
    const directory = join(setup.directory, 'd');
    const module = fileURLToPath(new URL('../dist/index.js', import.meta.url));
    const code = `import(${JSON.stringify(module)}).then(async ({ startDevelopmentBroker }) => {
      const { pid } = await startDevelopmentBroker({ directory: ${JSON.stringify(directory)} });
      console.log(pid);
      process.kill(process.pid, 'SIGKILL');
    })`;
    const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'ignore'] });
    let output = '';
    for await (const chunk of child.stdout) output += chunk;
    const pid = Number(output);
    expect(pid).toBeGreaterThan(1);
    const isThere = () => spawnSync('kill', ['-0', String(pid)]).status === 0;
    await expect.poll(isThere).toBe(false);
  });

  it('says nothing of a broker that is not there', async () => {
    const connection = connectBroker({ socket: join(setup.directory, 'none.sock') });
    await expect(connection.status()).rejects.toMatchObject({ code: 'broker_unavailable' });
  });

  it('shows its help', () => {
    const { stdout, status } = spawnSync(process.execPath, [MAIN, '--help'], { encoding: 'utf8' });
    expect(status).toBe(0);
    expect(stdout).toContain('pzk-broker pair');
  });
});
