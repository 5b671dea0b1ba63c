import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Aes256Gcm, CipherSuite, DhkemP256HkdfSha256, HkdfSha256 } from '@hpke/core';
import {
  type AgentRequestStatus,
  agentRequestHash,
  agentRequestIdRequestSchema,
  agentRequestRequestSchema,
  agentUsesRequestSchema,
  type Bytes,
  decodeBase64url,
  encodeBase64url,
  equalBytes,
  formatPairingId,
  type ParsedAgentRequest,
  PzkError,
  type PzkErrorCode,
  pairingCommitment,
  pairingCommitRequestSchema,
  pairingIdRequestSchema,
  pairingRevealRequestSchema,
  pairingWords,
  parseAgentRequest,
  parseMessage,
  releaseSealInfo,
  releaseSignatureMessage,
  sha256,
  utf8,
} from '@pzk-auth/protocol';
import { calculateJwkThumbprint, EmbeddedJWK, type JWK, jwtVerify } from 'jose';

const P256 = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const ES256 = { name: 'ECDSA', hash: 'SHA-256' } as const;
const suite = new CipherSuite({
  kem: new DhkemP256HkdfSha256(),
  kdf: new HkdfSha256(),
  aead: new Aes256Gcm(),
});

export interface IdentityKey {
  readonly publicKey: Bytes;
  sign(message: Bytes): Promise<Bytes>;
}

export async function makeIdentityKey(): Promise<IdentityKey> {
  const keys = await crypto.subtle.generateKey(P256, false, ['sign', 'verify']);
  return {
    publicKey: new Uint8Array(await crypto.subtle.exportKey('raw', keys.publicKey)),
    sign: async (message) =>
      new Uint8Array(await crypto.subtle.sign(ES256, keys.privateKey, message)),
  };
}

interface Pairing {
  status: 'open' | 'committed' | 'answered' | 'revealed' | 'ended';
  name?: string;
  commitment?: string;
  identityKey?: string;
  nonceB?: string;
  agentKey?: string;
  nonceA?: string;
  screen?: string | undefined;
}

export interface Release {
  readonly id: string;
  readonly bytes: Bytes;
  readonly parsed: ParsedAgentRequest;
  status: AgentRequestStatus;
  reason?: string;
  sealed?: { enc: string; ct: string; signature: string; identity_key?: string } | undefined;
  uses: number;
  reportedEnd: boolean;
}

/** How somebody between browser and broker, or the platform itself, changes what passes. */
export interface Tampering {
  /** Shown to the broker instead of the browser's. */
  identityKeyForBroker?: Bytes;
  /** Shown to the browser instead of the broker's, with this nonce. */
  agentKeyForBrowser?: { readonly key: Bytes; readonly nonceA: Bytes };
  /** Words of a problem that answers the broker once it has committed. */
  screen?: string;
  /** Seals with this value, to this hash or signs with this key, in place of the honest ones. */
  value?: Bytes;
  sealHash?: Bytes;
  signHash?: Bytes;
  signer?: IdentityKey;
  /** Says that this is the vault's identity key by now. */
  claimedIdentityKey?: Bytes;
  hpkeKey?: Bytes;
}

const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
export const randomId = () => encodeBase64url(random(16));

async function importRaw(key: Bytes) {
  return crypto.subtle.importKey('raw', key, P256, true, ['verify']);
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const chunk of request) text += chunk;
  return JSON.parse(text);
}

/**
 * The endpoints that a broker speaks with, and a browser's part beside them, over the real functions of
 * the protocol. It keeps one vault.
 */
export async function startStandInPlatform(vaultId = randomId()) {
  let identity = await makeIdentityKey();
  const pairings = new Map<string, Pairing>();
  /** jkt -> key. */
  const agents = new Map<string, Bytes>();
  const releases = new Map<string, Release>();
  const slots = new Map<string, Bytes>();
  const streams = new Set<ServerResponse>();
  const jtis = new Set<string>();
  const calls: string[] = [];
  const state = {
    /** Answers nothing any more. */
    isDown: false,
    hasEvents: true,
    /** The vault's identity key, as brokers are told it with their uses. */
    identityKey: identity.publicKey,
    /** Demanded in DPoP proofs. */
    dpopNonce: '',
    clockOffsetSeconds: 0,
    /** Breaks off instead of answering the next request that it has stored. */
    losesAnswer: false,
    /** Waited for before an answer to a question for a request leaves. */
    beforeAnswer: async (_status: AgentRequestStatus) => {},
    /** The same for a question whether a release goes on. */
    beforeUsesAnswer: async () => {},
  };

  function problem(
    response: ServerResponse,
    { code, status, title = code }: { code: PzkErrorCode; status: number; title?: string },
  ) {
    response.writeHead(status, {
      'content-type': 'application/problem+json',
      date: new Date(Date.now() + state.clockOffsetSeconds * 1000).toUTCString(),
      ...(state.dpopNonce === '' ? {} : { 'dpop-nonce': state.dpopNonce }),
    });
    response.end(JSON.stringify({ type: 'about:blank', title, hint: title, status, code }));
  }

  async function authenticate(request: IncomingMessage, url: string): Promise<Bytes> {
    const proof = String(request.headers.dpop);
    const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, { typ: 'dpop+jwt' });
    const now = Date.now() / 1000 + state.clockOffsetSeconds;
    if (payload.htm !== 'POST' || payload.htu !== url || jtis.has(String(payload.jti))) {
      throw new PzkError('invalid_dpop_proof', 'Another request.');
    }
    if (Math.abs(now - Number(payload.iat)) > 60) throw new PzkError('invalid_dpop_proof', 'Time.');
    if (state.dpopNonce !== '' && payload.nonce !== state.dpopNonce) {
      throw new PzkError('use_dpop_nonce', 'Nonce.');
    }
    jtis.add(String(payload.jti));
    const key = agents.get(await calculateJwkThumbprint(protectedHeader.jwk as JWK));
    if (key === undefined) throw new PzkError('invalid_dpop_proof', 'No such agent.');
    return key;
  }

  function tell(release: Release) {
    for (const stream of streams) {
      const data = JSON.stringify({ id: release.id, status: release.status });
      stream.write(`event: request\ndata: ${data}\n\n`);
    }
  }

  async function answer(path: string, request: IncomingMessage, response: ServerResponse) {
    const ok = (value: object, status = 200) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(value));
    };
    const done = () => {
      response.writeHead(204);
      response.end();
    };
    const find = (id: string) => {
      const pairing = pairings.get(id);
      if (pairing === undefined) throw new PzkError('not_found', 'Nothing.');
      return pairing;
    };
    if (path === '/agent/pairings/open') {
      const { id } = parseMessage(pairingIdRequestSchema, await readBody(request));
      const { status, identityKey, nonceB, screen: title } = find(id);
      if (status !== 'open' && title !== undefined) {
        return problem(response, { code: 'invalid_request', status: 400, title });
      }
      return ok({
        ...{ issuer, vault_id: vaultId, status },
        ...(identityKey === undefined ? {} : { identity_key: identityKey, nonce_b: nonceB }),
      });
    }
    if (path === '/agent/pairings/commit') {
      const body = parseMessage(pairingCommitRequestSchema, await readBody(request));
      const pairing = find(body.id);
      if (pairing.status !== 'open') throw new PzkError('not_found', 'Once.');
      Object.assign(pairing, { status: 'committed', name: body.name, commitment: body.commitment });
      return done();
    }
    if (path === '/agent/pairings/reveal') {
      const body = parseMessage(pairingRevealRequestSchema, await readBody(request));
      const pairing = find(body.id);
      if (pairing.status !== 'answered') throw new PzkError('not_found', 'Once.');
      Object.assign(pairing, {
        status: 'revealed',
        agentKey: body.agent_key,
        nonceA: body.nonce_a,
      });
      return done();
    }
    const agentKey = await authenticate(request, `${issuer}/pzk${path}`);
    const body = await readBody(request);
    if (path === '/agent/events') {
      if (!state.hasEvents) throw new PzkError('server_error', 'None.');
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(':\n\n');
      streams.add(response);
      response.once('close', () => streams.delete(response));
      return;
    }
    if (path === '/agent/requests') {
      const message = parseMessage(agentRequestRequestSchema, body);
      const bytes = decodeBase64url(message.request);
      const parsed = parseAgentRequest(bytes);
      const isSigned = await crypto.subtle.verify(
        ES256,
        await importRaw(agentKey),
        decodeBase64url(message.signature),
        bytes,
      );
      if (!isSigned || !equalBytes(parsed.agentKeyHash, sha256(agentKey))) {
        throw new PzkError('invalid_request', 'Signature.');
      }
      const id = parsed.requestId;
      releases.set(id, { id, bytes, parsed, status: 'waiting', uses: 0, reportedEnd: false });
      if (state.losesAnswer) {
        state.losesAnswer = false;
        return void request.socket.destroy();
      }
      return ok({ expires_at: Math.floor(Date.now() / 1000) + 600 }, 201);
    }
    const id = (body as { id: string }).id;
    const release = releases.get(id);
    if (release === undefined) throw new PzkError('not_found', 'Nothing.');
    if (path === '/agent/requests/read') {
      parseMessage(agentRequestIdRequestSchema, body);
      const { status, reason, sealed } = release;
      release.sealed = undefined;
      await state.beforeAnswer(status);
      return ok({ status, ...(reason === undefined ? {} : { reason }), ...sealed });
    }
    if (path === '/agent/requests/cancel') {
      release.status = 'cancelled';
      return done();
    }
    if (path === '/agent/uses') {
      const uses = parseMessage(agentUsesRequestSchema, body);
      const isEnded = release.status === 'ended';
      release.uses = Math.max(release.uses, uses.uses);
      if (uses.ended) {
        release.reportedEnd = true;
        release.status = 'ended';
      }
      if (!uses.ended) await state.beforeUsesAnswer();
      return ok({ ended: isEnded, identity_key: encodeBase64url(state.identityKey) });
    }
    throw new PzkError('not_found', 'Nothing.');
  }

  const server = createServer((request, response) => {
    if (state.isDown) {
      request.socket.destroy();
      return;
    }
    const path = (request.url ?? '').replace(/^\/pzk/, '');
    calls.push(path);
    answer(path, request, response).catch((error) => {
      const code: PzkErrorCode = error instanceof PzkError ? error.code : 'server_error';
      const statuses: Partial<Record<PzkErrorCode, number>> = {
        not_found: 404,
        invalid_request: 400,
        server_error: 500,
      };
      problem(response, { code, status: statuses[code] ?? 401 });
    });
  });
  // A pause of this process would close connections that a broker is about to use.
  server.keepAliveTimeout = 0;
  server.listen(0, 'localhost');
  await once(server, 'listening');
  const issuer = `http://localhost:${(server.address() as AddressInfo).port}`;

  async function until<T>(look: () => T | undefined): Promise<T> {
    while (server.listening) {
      const found = look();
      if (found !== undefined) return found;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error('The platform was closed.');
  }

  /** What the browser does once the broker has committed; the words that it shows. */
  async function completePairing(
    pairing: Pairing,
    tampering: Tampering,
  ): Promise<readonly string[]> {
    await until(() => (pairing.status === 'committed' ? true : undefined));
    const commitment = decodeBase64url(pairing.commitment ?? '');
    const nonceB = random(32);
    Object.assign(pairing, {
      status: 'answered',
      identityKey: encodeBase64url(tampering.identityKeyForBroker ?? identity.publicKey),
      nonceB: encodeBase64url(nonceB),
    });
    await until(() => pairing.agentKey);
    const honest = {
      key: decodeBase64url(pairing.agentKey ?? ''),
      nonceA: decodeBase64url(pairing.nonceA ?? ''),
    };
    const { key: agentKey, nonceA } = tampering.agentKeyForBrowser ?? honest;
    const mine = { issuer, vaultId, agentKey, nonceA };
    if (!equalBytes(pairingCommitment(mine), commitment)) {
      pairing.status = 'ended';
      throw new PzkError('pairing_mismatch', 'Another key than the one committed to.');
    }
    const { x = '', y = '' } = await crypto.subtle.exportKey('jwk', await importRaw(agentKey));
    agents.set(await calculateJwkThumbprint({ kty: 'EC', crv: 'P-256', x, y }), agentKey);
    return pairingWords({ ...mine, identityKey: identity.publicKey, nonceB });
  }

  return {
    issuer,
    vaultId,
    /** The vault gets another identity key, as when a device is removed. */
    async rotate(): Promise<void> {
      identity = await makeIdentityKey();
      state.identityKey = identity.publicKey;
    },
    state,
    calls,
    releases,
    agents,
    /** Of events, one for each broker that waits. */
    streams,
    /** Puts a secret into the vault; returns its slot. */
    addSecret(value: string): string {
      const slot = randomId();
      slots.set(slot, utf8(value));
      return slot;
    },
    /**
     * The browser asks for a pairing: the code that the user types at the broker, and the words that the
     * browser then shows (`pairing_mismatch` where it refuses).
     */
    startPairing(tampering: Tampering = {}) {
      const id = random(10);
      const pairing: Pairing = { status: 'open', screen: tampering.screen };
      pairings.set(encodeBase64url(id), pairing);
      const words = completePairing(pairing, tampering);
      words.catch(() => undefined);
      const end = () => {
        pairing.status = 'ended';
      };
      return { code: formatPairingId(id), words, end };
    },
    waitForRequest: (id: string) => until(() => releases.get(id)),
    /** The browser approves: seals and signs. */
    async approve(id: string, tampering: Tampering = {}): Promise<void> {
      const release = releases.get(id) as Release;
      const hash = agentRequestHash(release.bytes);
      const key = await suite.kem.deserializePublicKey(
        (tampering.hpkeKey ?? release.parsed.hpkeKey).buffer as ArrayBuffer,
      );
      const value = tampering.value ?? (slots.get(release.parsed.slotId) as Bytes);
      const info = releaseSealInfo(tampering.sealHash ?? hash);
      const sealed = await suite.seal({ recipientPublicKey: key, info }, value);
      const enc = new Uint8Array(sealed.enc);
      const ct = new Uint8Array(sealed.ct);
      const requestHash = tampering.signHash ?? hash;
      const signature = await (tampering.signer ?? identity).sign(
        releaseSignatureMessage({ vaultId, requestHash, enc, ct }),
      );
      release.sealed = {
        enc: encodeBase64url(enc),
        ct: encodeBase64url(ct),
        signature: encodeBase64url(signature),
        identity_key: encodeBase64url(tampering.claimedIdentityKey ?? identity.publicKey),
      };
      release.status = 'released';
      tell(release);
    },
    reject(id: string, reason: string): void {
      const release = releases.get(id) as Release;
      Object.assign(release, { status: 'rejected', reason });
      tell(release);
    },
    end(id: string): void {
      const release = releases.get(id) as Release;
      release.status = 'ended';
      tell(release);
    },
    expire(id: string): void {
      const release = releases.get(id) as Release;
      release.status = 'expired';
      tell(release);
    },
    tell,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close').catch(() => undefined);
    },
  };
}

export type StandInPlatform = Awaited<ReturnType<typeof startStandInPlatform>>;
