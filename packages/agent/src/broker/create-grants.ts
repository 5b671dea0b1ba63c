import { EventEmitter, once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type AgentRequestReadResponse,
  type AgentUsesResponse,
  agentRequestHash,
  agentRequestReadResponseSchema,
  agentUsesResponseSchema,
  decodeBase64url,
  encodeBase64url,
  expiryResponseSchema,
  formatAgentRequest,
  isAgentRequestTimely,
  isUndecided,
  limits,
  PzkError,
  type PzkErrorCode,
  releaseMethods,
  releaseSignatureMessage,
} from '@pzk-auth/protocol';
import {
  type GrantRequest,
  type GrantSnapshot,
  type GrantStatus,
  parseGrantRequest,
} from '../api/local-api.js';
import {
  assertAddresses,
  createAddressGuard,
  parseAllowedAddresses,
} from '../keeper/address-guard.js';
import { type EndReason, releaseEnded } from '../keeper/allowance.js';
import { type Moment, systemClocks } from '../keeper/clocks.js';
import { chooseSecretHeader } from '../keeper/secret-header.js';
import { type AgentKey, verifySignature } from '../platform/agent-key.js';
import { createPlatform, type Platform } from '../platform/create-platform.js';
import type { BrokerConfig } from './broker-config.js';
import type { Log } from './log.js';
import { identityKeyOf, type Pairing, type PairingStore } from './pairing-store.js';
import { type Keeper, startKeeper } from './start-keeper.js';

const TICK_MS = 250;
/** How often the pairings on disk are read: another process of this program may have unpaired. */
const PAIRINGS_MS = 1_000;
/** Between two questions for a request that waits: while events come, and without them. */
const WAIT_WITH_EVENTS_MS = 20_000;
const WAIT_WITHOUT_EVENTS_MS = 2_000;
/** Between two questions whether a release goes on; it has to be 30 s at most. */
const CONFIRM_MS = 20_000;
/** After a question that failed. */
const RETRY_MS = 5_000;
/** From a use to its report, so that many uses are one report. */
const REPORT_MS = 1_000;
/** How long the same failure of a host is not logged again. */
const HOST_FAILURE_MS = 60_000;
/** How long one can still ask what became of a grant. */
const REMEMBERED_MS = 10 * 60_000;
/** Of so many, whatever the platform lets agents ask for. */
const REMEMBERED = 2000;

/** A grant as others see it. */
export interface GrantView {
  snapshot(): GrantSnapshot;
  /** Where calls go. Throws what became of the grant while there is no secret. */
  forwardSocket(): string;
  /** Resolves with the next change after a version, or when the signal fires. */
  waitForChange(version: number, signal: AbortSignal): Promise<void>;
  /** Takes a request back, or ends a release. */
  cancel(): Promise<void>;
}

/** The requests and releases of this broker. */
export interface Grants {
  /** @throws PzkError */
  create(body: unknown): Promise<GrantView>;
  /** @throws PzkError `not_found` */
  get(id: string): GrantView;
  /** Ends all; the platform is told. */
  close(): Promise<void>;
}

interface Grant {
  readonly id: string;
  readonly host: string;
  readonly pairing: Pairing;
  readonly platform: Platform;
  readonly requestHash: Uint8Array<ArrayBuffer>;
  readonly socket: string;
  readonly changes: EventEmitter;
  keeper: Keeper | undefined;
  status: GrantStatus;
  version: number;
  reason: string | undefined;
  endReason: EndReason | undefined;
  code: PzkErrorCode | undefined;
  expiresAt: number;
  uses: number;
  /** Seconds since the epoch. */
  lastUsedAt: number | undefined;
  /**
   * Steady milliseconds: when the platform is asked next. Planned before a question, so that what happens
   * during it asks again at once.
   */
  nextAt: number;
  isAsking: boolean;
  endedAt: number;
  /** What the log said last of the host. */
  hostFailure: { readonly code: string; readonly until: number } | undefined;
}

interface Watch {
  readonly stop: AbortController;
  hasEvents: boolean;
}

const steady = () => performance.now();
const nameOf = ({ vaultId, pairedAt }: Pairing) => `${vaultId} ${pairedAt}`;
const isLive = ({ status }: Grant) => status === 'waiting' || status === 'released';

function identityChanged(): PzkError {
  return new PzkError('vault_identity_changed', 'The vault has another identity key.', {
    hint: 'Pair the broker anew and compare the words.',
  });
}

/** Errors for calls, by what became of the grant. */
function statusError({ status, code }: Grant): PzkError {
  switch (status) {
    case 'waiting':
      return new PzkError('release_invalid', 'The user has not approved the request yet.', {
        hint: 'Wait for the grant before it is used.',
      });
    case 'rejected':
    case 'cancelled':
    case 'expired':
      return new PzkError('release_rejected', 'The request was not approved.');
    case 'failed':
      return new PzkError(code ?? 'release_invalid', 'The release could not be used.');
    default:
      return releaseEnded();
  }
}

/** Options of {@link createGrants}. */
export interface GrantsOptions {
  readonly config: BrokerConfig;
  readonly store: PairingStore;
  /** For the sockets of keepers; private to the broker's user. */
  readonly keeperDirectory: string;
  readonly log: Log;
}

/** Keeps everything in memory: a broker that starts anew has no releases. */
export function createGrants({ config, store, keeperDirectory, log }: GrantsOptions): Grants {
  const grants = new Map<string, Grant>();
  const watches = new Map<string, Watch>();
  const ending = new Set<Promise<unknown>>();
  /** Pairings that have stopped where that could not be written. */
  const stopped = new Set<string>();
  let isClosing = false;
  /** Processes that start, run or end: asking and taking back makes no more of them than grants. */
  let keepers = 0;

  function change(grant: Grant, what: Partial<Grant>): void {
    const before = grant.status;
    Object.assign(grant, what);
    grant.version += 1;
    if (grant.status !== before) {
      log(`grant_${grant.status}`, { grant: grant.id, reason: grant.endReason, code: grant.code });
    }
    if (!isLive(grant)) {
      grant.endedAt = steady();
      stopIdleWatches();
    }
    grant.changes.emit('change');
  }

  /** For each grant once a minute and code: an agent that tries again and again fills no disk. */
  function logHostFailed(grant: Grant, code: string): void {
    const isTold = grant.hostFailure?.code === code && steady() < grant.hostFailure.until;
    if (isTold) return;
    grant.hostFailure = { code, until: steady() + HOST_FAILURE_MS };
    log('host_failed', { grant: grant.id, host: grant.host, code });
  }

  /** What is done beside the answer to somebody; the broker waits for it when it stops. */
  function background(work: Promise<unknown>): void {
    const settled = work.catch(() => undefined).finally(() => ending.delete(settled));
    ending.add(settled);
  }

  // The platform's events.

  function watchPairing(grant: Grant): void {
    const { vaultId } = grant.pairing;
    if (watches.has(vaultId)) return;
    const watch: Watch = { stop: new AbortController(), hasEvents: false };
    watches.set(vaultId, watch);
    void (async () => {
      for (let pause = 1000; !watch.stop.signal.aborted; pause = Math.min(pause * 2, 30_000)) {
        try {
          for await (const event of grant.platform.events(watch.stop.signal)) {
            watch.hasEvents = true;
            pause = 1000;
            // What happened before the stream was open is asked for.
            for (const one of grants.values()) {
              if (one.pairing.vaultId !== vaultId || !isLive(one)) continue;
              if (event === 'open' ? one.status === 'waiting' : event.id === one.id) one.nextAt = 0;
            }
            askWhatIsDue();
          }
        } catch {
          // Polling goes on meanwhile.
        }
        watch.hasEvents = false;
        await sleep(pause, undefined, { signal: watch.stop.signal }).catch(() => undefined);
      }
    })();
  }

  function stopIdleWatches(): void {
    for (const [vaultId, watch] of watches) {
      const isUsed = [...grants.values()].some(
        (grant) => isLive(grant) && grant.pairing.vaultId === vaultId,
      );
      if (isUsed) continue;
      watch.stop.abort();
      watches.delete(vaultId);
    }
  }

  // Waiting for the user.

  async function askRequest(grant: Grant): Promise<void> {
    if (Date.now() >= grant.expiresAt * 1000) {
      settle(grant, { status: 'expired' });
      return;
    }
    const hasEvents = watches.get(grant.pairing.vaultId)?.hasEvents ?? false;
    grant.nextAt = steady() + (hasEvents ? WAIT_WITH_EVENTS_MS : WAIT_WITHOUT_EVENTS_MS);
    const askedAt = systemClocks();
    const answer = await grant.platform.post(
      '/agent/requests/read',
      { id: grant.id },
      agentRequestReadResponseSchema,
    );
    // Cancelled meanwhile, or answered twice.
    if (grant.status !== 'waiting') return;
    if (answer.status === 'released') await acceptRelease(grant, answer, askedAt);
    else if (answer.status === 'rejected') settle(grant, answer);
    else if (answer.status !== 'waiting') settle(grant, { status: answer.status });
  }

  function settle(grant: Grant, what: Partial<Grant>): void {
    change(grant, what);
    background(grant.keeper?.end('agent') ?? Promise.resolve());
  }

  function fail(grant: Grant, code: PzkErrorCode): void {
    settle(grant, { status: 'failed', code });
    // So that the user sees that nothing uses the secret.
    background(report(grant, true));
  }

  async function acceptRelease(
    grant: Grant,
    answer: Extract<AgentRequestReadResponse, { status: 'released' }>,
    askedAt: Moment,
  ): Promise<void> {
    const { enc, ct, signature } = answer;
    if (enc === undefined || ct === undefined || signature === undefined) {
      // Handed out once already: to nobody that this program knows.
      fail(grant, 'release_invalid');
      return;
    }
    const { pairing, requestHash } = grant;
    const message = releaseSignatureMessage({
      vaultId: pairing.vaultId,
      requestHash,
      enc: decodeBase64url(enc),
      ct: decodeBase64url(ct),
    });
    const isSigned = await verifySignature(
      identityKeyOf(pairing),
      decodeBase64url(signature),
      message,
    );
    if (!isSigned) {
      const other = answer.identity_key;
      if (other !== undefined && other !== pairing.identityKey) stopPairing(pairing);
      else fail(grant, 'release_invalid');
      return;
    }
    const isOpen = await grant.keeper?.release({
      enc,
      ct,
      requestHash: encodeBase64url(requestHash),
      askedAt,
    });
    if (grant.status !== 'waiting') return;
    if (!isOpen) {
      fail(grant, 'release_invalid');
      return;
    }
    change(grant, { status: 'released' });
  }

  /** The user may have taken a device out of the vault; or the platform plays another vault. */
  function stopPairing(pairing: Pairing): void {
    const { vaultId, identityKey } = pairing;
    // Written before anything is told: a broker that dies in between must not go on at its next start.
    try {
      store.stop(pairing);
    } catch {
      // A full disk keeps nothing alive: this process remembers.
      stopped.add(nameOf(pairing));
      log('pairing_not_written', { vault: vaultId });
    }
    log('pairing_stopped', { vault: vaultId });
    for (const grant of grants.values()) {
      const isOfPairing =
        grant.pairing.vaultId === vaultId && grant.pairing.identityKey === identityKey;
      if (isLive(grant) && isOfPairing) fail(grant, 'vault_identity_changed');
    }
  }

  /** What a forgotten pairing was the ground of ends with it. */
  function endUnpaired(): void {
    for (const grant of grants.values()) {
      if (!isLive(grant) || store.holds(grant.pairing)) continue;
      if (grant.status === 'released')
        background(grant.keeper?.end('unpaired') ?? Promise.resolve());
      else background(takeBack(grant));
    }
  }

  async function takeBack(grant: Grant): Promise<void> {
    settle(grant, { status: 'cancelled' });
    await cancel(grant);
  }

  /** Tells the platform that nobody waits for an answer any more. */
  function cancel({ platform, id }: Grant): Promise<void> {
    return platform.postVoid('/agent/requests/cancel', { id });
  }

  /** Says something to the platform, again where it does not answer or knows nothing yet. */
  async function insist(
    { id }: Grant,
    say: () => Promise<unknown>,
    event: 'cancel_not_reported' | 'end_not_reported',
  ): Promise<void> {
    for (const pause of [0, 1000, 5000]) {
      await sleep(pause);
      const isHeard = await say().then(
        () => true,
        () => false,
      );
      if (isHeard) return;
    }
    log(event, { grant: id });
  }

  // What a release does.

  function report(grant: Grant, ended: boolean): Promise<AgentUsesResponse> {
    return grant.platform.post(
      '/agent/uses',
      {
        id: grant.id,
        uses: grant.uses,
        ended,
        ...(grant.lastUsedAt === undefined ? {} : { last_used_at: grant.lastUsedAt }),
      },
      agentUsesResponseSchema,
    );
  }

  async function askRelease(grant: Grant): Promise<void> {
    grant.nextAt = steady() + CONFIRM_MS;
    const askedAt = systemClocks();
    const { ended, identity_key } = await report(grant, false);
    if (identity_key !== grant.pairing.identityKey) stopPairing(grant.pairing);
    else if (ended) await grant.keeper?.end('user');
    else grant.keeper?.confirm(askedAt);
  }

  function onKeeperEnded(grant: Grant, endReason: EndReason): void {
    if (grant.status === 'released') {
      change(grant, { status: 'ended', endReason });
      background(insist(grant, () => report(grant, true), 'end_not_reported'));
    } else if (grant.status === 'waiting') {
      fail(grant, 'release_invalid');
      background(cancel(grant));
    }
  }

  function askWhatIsDue(): void {
    const now = steady();
    for (const grant of grants.values()) {
      if (!isLive(grant)) {
        if (now - grant.endedAt > REMEMBERED_MS) grants.delete(grant.id);
        continue;
      }
      if (now < grant.nextAt || grant.isAsking) continue;
      grant.isAsking = true;
      const ask = grant.status === 'waiting' ? askRequest : askRelease;
      void ask(grant)
        .catch((error) => {
          log('platform_failed', { grant: grant.id, code: codeOf(error) });
          grant.nextAt = Math.min(grant.nextAt, steady() + RETRY_MS);
        })
        .finally(() => {
          grant.isAsking = false;
        });
    }
  }

  const timer = setInterval(askWhatIsDue, TICK_MS);
  const pairingsTimer = setInterval(endUnpaired, PAIRINGS_MS);

  // What agents ask for.

  /** @throws PzkError `vault_identity_changed` */
  function assertNotStopped(pairing: Pairing): void {
    if (pairing.stopped || stopped.has(nameOf(pairing))) throw identityChanged();
  }

  /**
   * While the platform was asked, the pairing may have been stopped or taken back: a grant that was not
   * among the others then would go on.
   *
   * @throws PzkError `not_found`, `vault_identity_changed`
   */
  function assertStands(grant: Grant): void {
    const { pairing } = grant;
    try {
      assertNotStopped(store.find(pairing.vaultId));
      if (!store.holds(pairing)) throw identityChanged();
    } catch (error) {
      background(cancel(grant));
      throw error;
    }
  }

  async function create(body: unknown): Promise<GrantView> {
    const asked = parseGrantRequest(body);
    const pairing = store.find(asked.vault);
    assertNotStopped(pairing);
    const { host } = asked;
    const askedHeader = asked.header && {
      name: asked.header.name,
      prefix: asked.header.prefix ?? '',
    };
    const header = chooseSecretHeader(host, config.hosts.get(host)?.header, askedHeader);
    if (isClosing || keepers >= config.limits.grants) {
      throw new PzkError('too_many_requests', 'The broker holds as many grants as it may.');
    }
    keepers += 1;
    return startGrant({ asked, pairing, header });
  }

  async function startGrant({
    asked,
    pairing,
    header,
  }: {
    readonly asked: GrantRequest;
    readonly pairing: Pairing;
    readonly header: ReturnType<typeof chooseSecretHeader>;
  }): Promise<GrantView> {
    const id = encodeBase64url(crypto.getRandomValues(new Uint8Array(16)));
    const { host, uses, ttl = 0, perDay = 0, notAfter = 0 } = asked;
    const methods = releaseMethods.filter((method) => asked.methods.includes(method));
    const term = { host, methods, uses, ttl, perDay, notAfter };
    const socket = join(keeperDirectory, `${id}.sock`);
    const grant = { id, host, pairing, socket, changes: new EventEmitter() } as Grant;
    grant.changes.setMaxListeners(0);
    const task = {
      ...{ ...term, socket, header, ca: config.ca, limits: config.limits },
      allowedAddresses: config.hosts.get(host)?.addresses ?? [],
      requestHeaders: config.hosts.get(host)?.requestHeaders ?? [],
    };
    let key: AgentKey;
    let keeper: Keeper;
    try {
      if (!isAgentRequestTimely(term, Math.floor(Date.now() / 1000))) {
        throw new PzkError('invalid_request', 'A standing approval ends within 90 days.');
      }
      await assertAddresses(host, createAddressGuard(parseAllowedAddresses(task.allowedAddresses)));
      key = await store.loadKey(pairing);
      keeper = await startKeeper(task, {
        onUsed: (count, at) => {
          const lastUsedAt = at === undefined ? undefined : Math.floor(at / 1000);
          change(grant, { uses: count, lastUsedAt });
          grant.nextAt = Math.min(grant.nextAt, steady() + REPORT_MS);
        },
        onHostFailed: (code) => logHostFailed(grant, code),
        onEnding: (reason) => {
          // One that says in one breath that it is released and over has not been heard to the end yet.
          if (grant.status === 'released') onKeeperEnded(grant, reason);
        },
        onEnded: (reason) => {
          keepers -= 1;
          onKeeperEnded(grant, reason);
        },
      });
    } catch (error) {
      keepers -= 1;
      throw error;
    }
    try {
      const request = formatAgentRequest({
        ...{ ...term, issuer: pairing.issuer, vaultId: pairing.vaultId, requestId: id },
        ...{ agentKeyHash: key.hash, hpkeKey: decodeBase64url(keeper.hpkeKey) },
        ...{ slotId: asked.slot, purpose: asked.purpose },
        // What the user sees is what the keeper does.
        ...{ header: header.name, prefix: header.prefix },
      });
      Object.assign(grant, {
        ...{ keeper, platform: createPlatform({ baseUrl: pairing.baseUrl, key }) },
        ...{ requestHash: agentRequestHash(request), version: 1, uses: 0, isAsking: false },
        ...{ status: 'failed', nextAt: steady() + WAIT_WITHOUT_EVENTS_MS },
      });
      const signature = encodeBase64url(await key.sign(request));
      const { expires_at } = await grant.platform
        .post(
          '/agent/requests',
          { request: encodeBase64url(request), signature },
          expiryResponseSchema,
        )
        .catch((error) => {
          // It may stand at the platform all the same: nobody is to approve what has no key any more.
          if (isUndecided(error)) {
            background(insist(grant, () => cancel(grant), 'cancel_not_reported'));
          }
          throw error;
        });
      // Never longer than the protocol says, whatever the platform says.
      const latest = Math.floor(Date.now() / 1000) + limits.agentRequestSeconds;
      grant.expiresAt = Math.min(expires_at, latest);
      assertStands(grant);
    } catch (error) {
      background(keeper.end('failed'));
      throw error;
    }
    grants.set(id, grant);
    if (grants.size > REMEMBERED) {
      const oldest = [...grants.values()].find((one) => one !== grant && !isLive(one));
      if (oldest !== undefined) grants.delete(oldest.id);
    }
    change(grant, { status: 'waiting' });
    watchPairing(grant);
    return viewOf(grant);
  }

  function viewOf(grant: Grant): GrantView {
    return {
      snapshot: () => ({
        id: grant.id,
        status: grant.status,
        version: grant.version,
        host: grant.host,
        expiresAt: grant.expiresAt,
        uses: grant.uses,
        ...(grant.reason === undefined ? {} : { reason: grant.reason }),
        ...(grant.endReason === undefined ? {} : { endReason: grant.endReason }),
        ...(grant.code === undefined ? {} : { code: grant.code }),
        ...(grant.lastUsedAt === undefined ? {} : { lastUsedAt: grant.lastUsedAt }),
      }),
      forwardSocket() {
        if (grant.status !== 'released') throw statusError(grant);
        if (!store.holds(grant.pairing)) throw releaseEnded();
        return grant.socket;
      },
      async waitForChange(version, signal) {
        if (grant.version > version || signal.aborted) return;
        await once(grant.changes, 'change', { signal }).catch(() => undefined);
      },
      async cancel() {
        if (grant.status === 'released') await grant.keeper?.end('agent');
        else if (grant.status === 'waiting') await takeBack(grant);
      },
    };
  }

  return {
    create,
    get(id) {
      const grant = grants.get(id);
      if (grant === undefined) {
        throw new PzkError('not_found', 'The broker knows no such grant.', {
          hint: 'It forgets grants some minutes after their end, and all of them when it is started anew.',
        });
      }
      return viewOf(grant);
    },
    async close() {
      isClosing = true;
      clearInterval(timer);
      clearInterval(pairingsTimer);
      const live = [...grants.values()].filter(isLive);
      await Promise.allSettled(
        live.map(async (grant) => {
          if (grant.status === 'waiting') await viewOf(grant).cancel();
          else await grant.keeper?.end('shutdown');
        }),
      );
      for (const { stop } of watches.values()) stop.abort();
      await Promise.race([Promise.allSettled(ending), sleep(3000, undefined, { ref: false })]);
    },
  };
}

function codeOf(error: unknown): string {
  return error instanceof PzkError ? error.code : 'server_error';
}
