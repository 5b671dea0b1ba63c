import type { LookupAddress } from 'node:dns';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import {
  assertAddresses,
  createAddressGuard,
  createGuardedLookup,
  isPublicAddress,
  parseAllowedAddresses,
} from '../../src/keeper/address-guard.js';

const none = createAddressGuard(parseAllowedAddresses([]));

describe('addresses', () => {
  const refused = [
    ...['127.0.0.1', '127.255.255.254', '0.0.0.0', '10.0.0.1', '172.16.0.1', '172.31.255.255'],
    ...['192.168.1.1', '169.254.169.254', '100.64.0.1', '100.127.255.255', '192.0.0.8'],
    ...['198.18.0.1', '224.0.0.1', '240.0.0.1', '255.255.255.255', '192.0.2.1', '203.0.113.9'],
    ...['::', '::1', 'fe80::1', 'fe80::1%lo', 'fc00::1', 'fd12:3456::1', 'ff02::1', 'fec0::1'],
    ...['::ffff:127.0.0.1', '::ffff:8.8.8.8', '::ffff:7f00:1', '::127.0.0.1', '::7f00:1'],
    ...['64:ff9b::7f00:1', '64:ff9b::8.8.8.8', '64:ff9b:1::1', '2002:7f00:1::', '2001::1'],
    ...['2001:db8::1', '3fff::1', '100::1'],
    ...['', 'localhost', '127.1', '2130706433', '0x7f.1', '1.2.3.4.5', '[::1]'],
  ];
  for (const address of refused) {
    it(`[V14] refuses ${address || 'nothing'}`, () => {
      expect(isPublicAddress(address)).toBe(false);
      expect(none(address)).toBe(false);
    });
  }
  for (const address of ['1.1.1.1', '8.8.8.8', '172.32.0.1', '100.128.0.1', '2606:4700::1111']) {
    it(`[V14] honest: takes ${address}`, () => expect(none(address)).toBe(true));
  }

  it('[V14] allows what the operator names, and no more', () => {
    const guard = createAddressGuard(
      parseAllowedAddresses(['10.1.0.0/16', '127.0.0.1', 'fd00::/8']),
    );
    expect([guard('10.1.2.3'), guard('127.0.0.1'), guard('fd12::1')]).toEqual([true, true, true]);
    expect([guard('10.2.0.1'), guard('127.0.0.2'), guard('fe80::1')]).toEqual([
      false,
      false,
      false,
    ]);
  });

  it('refuses a malformed subnet of the configuration', () => {
    for (const text of [
      '10.0.0.0/33',
      '10.0.0.0/-1',
      '10.0.0.0/',
      'ten',
      '10.0.0.1/8/8',
      '::1%lo',
    ]) {
      expect(() => parseAllowedAddresses([text]), text).toThrow(TypeError);
    }
  });
});

describe('names before the user is asked', () => {
  const found = (...addresses: string[]) =>
    Promise.resolve(
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  const judge = (addresses: Promise<LookupAddress[]>, allowed: readonly string[] = []) =>
    assertAddresses(
      'api.example:8443',
      createAddressGuard(parseAllowedAddresses(allowed)),
      () => addresses,
    );

  it('[V14] refuses those that no call would reach', async () => {
    for (const addresses of [['10.0.0.1'], ['::1'], ['93.184.215.14', '192.168.0.1']]) {
      await expect(judge(found(...addresses)), addresses.join()).rejects.toMatchObject({
        code: 'host_refused',
        message: expect.stringContaining('api.example:8443'),
      });
    }
  });

  it('[V14] honest: takes public and allowed ones, and those that nobody finds now', async () => {
    await judge(found('93.184.215.14'));
    await judge(found('10.0.0.1'), ['10.0.0.0/8']);
    await judge(Promise.reject(new Error('ENOTFOUND')));
  });
});

describe('names', () => {
  /** Dials through the lookup; the code of the error, or the answer. */
  async function dial(answers: readonly (readonly string[])[], allowed: readonly string[]) {
    let connections = 0;
    const server = createServer((_, response) => response.end('reached'));
    server.on('connection', () => {
      connections += 1;
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    let asked = 0;
    const lookup = createGuardedLookup(
      async () => {
        const addresses = answers[Math.min(asked, answers.length - 1)] ?? [];
        asked += 1;
        return addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
      },
      createAddressGuard(parseAllowedAddresses(allowed)),
      'api.example',
    );
    const outcomes: string[] = [];
    for (const _ of answers) {
      outcomes.push(
        await new Promise<string>((resolve) => {
          const outgoing = request(
            { host: 'rebinding.test', port, lookup, agent: false },
            (answer) => answer.resume().on('end', () => resolve('reached')),
          );
          outgoing.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
          outgoing.end();
        }),
      );
    }
    server.close();
    return { outcomes, connections, asked };
  }

  it('[V14] judges the address that it dials: a name that leads elsewhere the second time', async () => {
    // 127.0.0.1 stands for the public address: it is the one that is allowed here.
    const { outcomes, connections, asked } = await dial(
      [['127.0.0.1'], ['127.0.0.2']],
      ['127.0.0.1'],
    );
    expect(outcomes).toEqual(['reached', 'host_refused']);
    expect({ connections, asked }).toEqual({ connections: 1, asked: 2 });
  });

  it('[V14] refuses a name with a private address among public ones', async () => {
    const { outcomes, connections } = await dial([['127.0.0.1', '10.0.0.1']], ['127.0.0.1']);
    expect(outcomes).toEqual(['host_refused']);
    expect(connections).toBe(0);
  });

  it('[V14] refuses a name without an address', async () => {
    expect((await dial([[]], ['127.0.0.1'])).outcomes).toEqual(['host_refused']);
  });
});
