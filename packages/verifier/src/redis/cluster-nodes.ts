import { once } from 'node:events';
import type { Cluster, Redis } from 'ioredis';

/** Whether commands can be sent to the masters of a Cluster. */
export interface ClusterNodes {
  readonly connected: boolean;
  /** Connects to all nodes; settles when each master has its connection or none can be had. */
  connect(): Promise<void>;
}

const watched = new WeakMap<Cluster, ClusterNodes>();

async function connectNode(node: Redis): Promise<void> {
  if (node.status === 'wait') await node.connect().catch(() => {});
  else if (node.status === 'connecting' || node.status === 'connect') {
    const over = new AbortController();
    const events = ['ready', 'close', 'end'].map((name) =>
      once(node, name, { signal: over.signal }).catch(() => {}),
    );
    await Promise.race(events);
    over.abort();
  }
}

/**
 * The client of a Cluster connects to a node with the first command for it and, without an offline
 * queue, refuses what comes meanwhile: after a start and after a failover that would be the first
 * moments of traffic. So all nodes are connected at once. Not before the client is ready: its own
 * check of the Cluster is such a command.
 */
export function watchNodes(cluster: Cluster): ClusterNodes {
  const known = watched.get(cluster);
  if (known !== undefined) return known;

  let connected = false;
  let connecting: Promise<void> | undefined;
  cluster.on('close', () => {
    connected = false;
  });
  cluster.on('+node', (node: Redis) => {
    if (cluster.status === 'ready') void connectNode(node);
  });

  async function connectAll(): Promise<void> {
    for (const replica of cluster.nodes('slave')) void connectNode(replica);
    await Promise.all(cluster.nodes('master').map(connectNode));
    connected = cluster.status === 'ready';
  }

  const nodes: ClusterNodes = {
    get connected() {
      return connected;
    },
    connect: () => {
      connecting ??= connectAll().finally(() => {
        connecting = undefined;
      });
      return connecting;
    },
  };
  watched.set(cluster, nodes);
  return nodes;
}
