/** The network functions that lanes use; accessed at each call, so that test/simulation can replace them. */
import { lookup } from "node:dns/promises";
import { connect as connectTcp, type Socket, type TcpNetConnectOpts } from "node:net";
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from "node:tls";

export type NetworkCalls = {
  connectTcp: (options: TcpNetConnectOpts) => Socket;
  connectTls: (options: ConnectionOptions) => TLSSocket;
  /** All addresses of a host name or an address literal. */
  addressesOf: (host: string) => Promise<readonly string[]>;
};

export const networkCalls: NetworkCalls = {
  connectTcp,
  connectTls,
  addressesOf: async (host) => (await lookup(host, { all: true })).map(({ address }) => address),
};
