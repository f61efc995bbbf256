/** The transport between members. */
export { PeerTransport, type PeerOptions, type PeerTransportOptions } from './peer-transport';
export type { PeerStatus, Transport, TransportReceiver } from './transport';
