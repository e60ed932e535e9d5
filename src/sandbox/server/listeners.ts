/**
 * One OCS instance on the network: its HTTP and HTTPS listeners and its connections. In the backup role it accepts
 * connections and closes them at once.
 */
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { TLSSocket, createSecureContext, type SecureContext } from "node:tls";
import { serve, type Connection, type Service } from "./connection.ts";
import { applyFaults } from "../faults/apply-faults.ts";
import type { Events } from "../faults/kinds.ts";
import type { Faults } from "../faults/faults.ts";
import type { Ocs } from "../ocs.ts";
import { ownCertificate } from "./own-certificate.ts";
import type { Instance, Recorder } from "./recorder.ts";
import { subjectOf, type Subject } from "../faults/subject.ts";
import type { World } from "../world/world.ts";
import type { Certificate } from "./own-certificate.ts";

/**
 * The id of the gateway's request that comes over this TCP connection next, if a gateway of this process has sent it.
 * `from` and `to`: the client's end and OCS's end, as `address:port`.
 */
export type FlowOf = (from: string, to: string) => string | undefined;

export type WireParts = {
  readonly instance: Instance;
  readonly world: World;
  readonly ocs: Ocs;
  readonly faults: Faults;
  readonly events: Events;
  readonly recorder: Recorder;
  readonly flowOf: FlowOf | undefined;
  /** True while this instance is active and answers requests. */
  readonly isPrimary: () => boolean;
  /** True while this instance keeps connections open without answering. */
  readonly isSilent: () => boolean;
};

export type Listening = { readonly host: string; readonly port: number; readonly tls?: Certificate | undefined };
export type Wire = {
  /** Opens a listener, with TLS when a certificate is given. Resolves to its port. */
  readonly listen: (where: Listening) => Promise<number>;
  /** Sets the delay before each answer, in milliseconds; initially 0. */
  readonly setDelay: (milliseconds: number) => void;
  readonly delay: () => number;
  /** Sends FIN on every connection; requests in progress get no answer. */
  readonly closeConnections: () => void;
  readonly closeIdle: () => void;
  /** Closes the listeners and resets the connections. */
  readonly fall: () => void;
  /** Closes the listeners; connections stay open. */
  readonly refuse: () => void;
  /** Listens again on the same ports. Resolves after the first attempt; retries later if a port is in use. */
  readonly listenAgain: () => Promise<void>;
  readonly close: () => Promise<void>;
};

/** Milliseconds between attempts to listen on a port that is in use. */
const RETRY = 50;

type BoundPort = {
  readonly host: string;
  readonly port: number;
  readonly accept: (wire: Socket) => void;
  server: Server;
};

export const createWire = (parts: WireParts): Wire => {
  const ports: BoundPort[] = [];
  const connections = new Map<Socket, Connection | undefined>();
  let delay = 0;
  let state: "up" | "down" | "closed" = "up";
  let opening: Promise<unknown> = Promise.resolve();

  const accept = (host: string, tls: Certificate | undefined): ((wire: Socket) => void) => {
    const contextFor = tls && contexts(parts, host, tls);
    const service = serviceOf(parts, tls ? "https" : "http", () => delay);
    return (wire) => {
      connections.set(wire, undefined);
      wire.setNoDelay(true);
      wire.on("error", () => {}).on("close", () => connections.delete(wire));
      const log = parts.recorder.open(parts.instance);
      if (!parts.isPrimary() && !parts.isSilent()) return void wire.on("close", log.closed).destroy();
      const socket = contextFor ? new TLSSocket(wire, { isServer: true, secureContext: contextFor(log.number) }) : wire;
      if (parts.isSilent()) return keepSilent(socket, wire.on("close", log.closed));
      connections.set(wire, serve(service, log, { socket, wire }));
    };
  };

  const reopen = async (bound: BoundPort): Promise<void> => {
    if (state !== "up" || bound.server.listening) return;
    const server = (bound.server = createServer({ allowHalfOpen: true }, bound.accept));
    await listenOn(server, bound.host, bound.port).catch(() => {
      setTimeout(() => void reopen(bound), RETRY).unref();
    });
    // The instance may have gone down while the port was opened.
    if (state !== "up") server.close();
  };

  const shut = (): Promise<void>[] =>
    ports.map(
      ({ server }) =>
        new Promise<void>((resolve) => {
          server.close(() => {
            resolve();
          });
        }),
    );

  const refuse = (): void => {
    if (state === "up") state = "down";
    void shut();
  };

  return {
    listen: async ({ host, port, tls }) => {
      const bound = { host, accept: accept(host, tls), server: createServer({ allowHalfOpen: true }) };
      const ownPort = await listenOn(bound.server.on("connection", bound.accept), host, port);
      ports.push({ ...bound, port: ownPort });
      return ownPort;
    },
    setDelay: (milliseconds) => {
      delay = milliseconds;
    },
    delay: () => delay,
    closeConnections: () => {
      for (const connection of connections.values()) connection?.closeInOrder();
    },
    closeIdle: () => {
      for (const connection of connections.values()) if (connection?.isIdle()) connection.closeInOrder();
    },
    refuse,
    fall: () => {
      refuse();
      for (const connection of connections.values()) connection?.reset();
    },
    listenAgain: async () => {
      if (state === "down") state = "up";
      opening = opening.then(() => Promise.all(ports.map(reopen)));
      await opening;
    },
    close: async () => {
      state = "closed";
      await opening;
      const closed = shut();
      for (const socket of connections.keys()) socket.destroy();
      await Promise.all(closed);
    },
  };
};

/** Reads and discards everything without answering, until the client closes the connection. */
const keepSilent = (socket: Socket, wire: Socket): void => {
  socket
    .on("error", () => {})
    .on("end", () => wire.destroy())
    .resume();
};

/** The TLS context of a connection: the listener's or, if the fault bad-cert strikes, one from an untrusted CA. */
const contexts = (
  { faults, instance }: WireParts,
  host: string,
  tls: Certificate,
): ((connection: number) => SecureContext) => {
  const good = createSecureContext(tls);
  let bad: SecureContext | undefined;
  return (connection) =>
    faults.strike("bad-cert", { instance, connection })
      ? (bad ??= createSecureContext(ownCertificate("an authority that nobody trusts", host).tls))
      : good;
};

const serviceOf = (
  { instance, world, ocs, faults, events, recorder, flowOf }: WireParts,
  scheme: string,
  delay: () => number,
): Service => ({
  ocs,
  delay,
  listener: `sandbox-${instance}-${scheme}`,
  arrived: (message, connection, wire) => {
    const { method, target, headers, body } = message;
    const { remoteAddress, remotePort, localAddress, localPort } = wire;
    const isConnected = remotePort !== undefined && localPort !== undefined;
    const flow = isConnected ? flowOf?.(`${remoteAddress}:${remotePort}`, `${localAddress}:${localPort}`) : undefined;
    const behind = flow === undefined ? {} : { flow };
    let known: Subject | undefined;
    // Computed on demand: most requests meet no fault.
    const subject = (): Subject => (known ??= subjectOf(world, message));
    return {
      faultsFor: (hands) =>
        applyFaults(faults, { ...hands, world, events, subject }, { instance, connection, subject, ...behind }),
      ended: recorder.arrived({
        time: new Date(world.clock.now()).toISOString(),
        instance,
        connection,
        method,
        target,
        headers,
        body: Buffer.from(body).toString("utf8"),
        ...behind,
        // Now, because after a switchover a handle may belong to another tenant.
        ...(flowOf && namesOf(subject())),
      }),
    };
  },
});

const namesOf = ({ action, tenant }: Subject): { readonly action?: string; readonly tenant?: string } => ({
  ...(action && { action: action.name }),
  ...(tenant && { tenant: tenant.name }),
});

/** Resolves to the port; rejects when the server cannot listen on it. */
export const listenOn = (
  server: { listen: Server["listen"]; address: Server["address"]; once: Server["once"]; off: Server["off"] },
  host: string,
  port: number,
): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, () => {
      server.off("error", reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
