/** The real edges: clock, chance, disk, sockets, certificates. Only the top floor imports them. */
export { formatAddress, listenError, parseAddress, type HostPort } from './address';
export { readApiFile } from './api-files';
export {
  certificateEndMs,
  certificateFault,
  createAuthority,
  issueCertificate,
  renewAuthority,
  type AuthorityRequest,
  type CertificateDemand,
  type CertificateRequest,
  type CertifiedKey,
} from './certificates';
export { NODE_ERRORS, nodeError, systemCode, type NodeErrorCode } from './errors';
export {
  startHttpListener,
  type HttpAnswer,
  type HttpListener,
  type TlsIdentity,
} from './http-listener';
export { LineWriter, type LineWriterOptions } from './line-writer';
export { installNativeCrc32 } from './native-crc32';
export { RealClock } from './real-clock';
export { RealDisk } from './real-disk';
export { systemRandom, type SystemRandom } from './real-random';
export {
  droppedLine,
  LOG_LEVELS,
  StderrLogger,
  type LogFormat,
  type LogLevel,
  type StderrLoggerOptions,
} from './stderr-logger';
export {
  WS_NETWORK_LIMITS,
  WsNetwork,
  type WsNetworkLimits,
  type WsNetworkOptions,
} from './ws-network';
