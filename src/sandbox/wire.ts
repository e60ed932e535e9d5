/** One OCS instance on the network: its HTTP and HTTPS listeners and its connections. In backup role it closes whatever connects. */
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { TLSSocket, createSecureContext } from "node:tls";
import type { Handler } from "../message.ts";
import { serve, type Service } from "./connection.ts";
import type { Instance, Recorder } from "./recorder.ts";

export type WireParts = {
  readonly instance: Instance;
  readonly handler: Handler;
  readonly recorder: Recorder;
  /** True while this instance is the one that answers. */
  readonly isPrimary: () => boolean;
  /** Milliseconds since 1970. */
  readonly now: () => number;
};

export type Listening = { readonly host: string; readonly port: number; readonly tls?: Certificate | undefined };
/** PEM. */
export type Certificate = { readonly key: string; readonly cert: string };

export type Wire = {
  /** Opens a listener, with TLS when a certificate is given. Resolves to its port. */
  readonly listen: (where: Listening) => Promise<number>;
  /** Milliseconds to wait before each answer; 0 at first. */
  readonly setDelay: (milliseconds: number) => void;
  readonly delay: () => number;
  readonly closeConnections: () => void;
  readonly close: () => Promise<void>;
};

export const createWire = (parts: WireParts): Wire => {
  const servers: Server[] = [];
  const sockets = new Set<Socket>();
  let delay = 0;

  const accept = (tls: Certificate | undefined): ((wire: Socket) => void) => {
    const secureContext = tls && createSecureContext(tls);
    const service = serviceOf(parts, tls ? "https" : "http", () => delay);
    return (wire) => {
      sockets.add(wire);
      wire.setNoDelay(true);
      wire.on("error", () => {}).on("close", () => sockets.delete(wire));
      const log = parts.recorder.open(parts.instance);
      if (!parts.isPrimary()) return void wire.on("close", log.closed).destroy();
      const socket = secureContext ? new TLSSocket(wire, { isServer: true, secureContext }) : wire;
      serve(service, log, { socket, wire });
    };
  };

  const closeConnections = (): void => {
    for (const socket of sockets) socket.destroy();
  };

  return {
    listen: async ({ host, port, tls }) => {
      const server = createServer({ allowHalfOpen: true }, accept(tls));
      servers.push(server);
      return listenOn(server, host, port);
    },
    setDelay: (milliseconds) => { delay = milliseconds; },
    delay: () => delay,
    closeConnections,
    close: async () => {
      const closed = servers.splice(0).map((server) => new Promise<void>((resolve) => { server.close(() => { resolve(); }); }));
      closeConnections();
      await Promise.all(closed);
    },
  };
};

const serviceOf = ({ instance, handler, recorder, now }: WireParts, scheme: string, delay: () => number): Service => ({
  handler,
  delay,
  listener: `sandbox-${instance}-${scheme}`,
  seen: ({ method, target, headers, body }, status, connection) => {
    recorder.saw({ time: new Date(now()).toISOString(), instance, connection, method, target, headers, body: Buffer.from(body).toString("utf8"), status });
  },
});

/** Resolves to the port; rejects when it cannot be had. */
export const listenOn = (server: { listen: Server["listen"]; address: Server["address"]; once: Server["once"]; off: Server["off"] }, host: string, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, () => {
      server.off("error", reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
