/**
 * The operating system's network, as far as this folder uses it. A module asks this object at each call, so that the
 * simulation (test/simulation) can put an in-memory network in its place.
 */
import { lookup } from "node:dns/promises";
import { connect as connectTcp, type Socket, type TcpNetConnectOpts } from "node:net";
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from "node:tls";

export type Network = {
  connectTcp: (options: TcpNetConnectOpts) => Socket;
  connectTls: (options: ConnectionOptions) => TLSSocket;
  /** Every address of a host name or an address literal. */
  addressesOf: (host: string) => Promise<readonly string[]>;
};

export const network: Network = {
  connectTcp,
  connectTls,
  addressesOf: async (host) => (await lookup(host, { all: true })).map(({ address }) => address),
};
