export { type AgentErrorCode, isPzkError, PzkError, type PzkErrorCode } from '@pzk-auth/protocol';
export type { BrokerStatus, GrantRequest, GrantSnapshot, GrantStatus } from './api/local-api.js';
export type { EndReason } from './keeper/allowance.js';
export type { BrokerGrant } from './library/broker-grant.js';
export {
  type BrokerConnection,
  type ConnectBrokerOptions,
  connectBroker,
} from './library/connect-broker.js';
export {
  type DevelopmentBroker,
  type DevelopmentBrokerOptions,
  startDevelopmentBroker,
} from './library/start-development-broker.js';
