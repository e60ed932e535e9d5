/** One OCS instance on the network: its HTTP and HTTPS listeners and its connections. In backup role it closes whatever connects. */
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { TLSSocket, createSecureContext, type SecureContext } from "node:tls";
import { serve, type Connection, type Service } from "./connection.ts";
import { meet } from "./encounter.ts";
import type { Events } from "./fault-kinds.ts";
import type { Faults } from "./faults.ts";
import type { Ocs } from "./ocs.ts";
import { ownCertificate } from "./own-certificate.ts";
import type { Instance, Recorder } from "./recorder.ts";
import { subjectOf, type Subject } from "./subject.ts";
import type { World } from "./world.ts";

export type WireParts = {
  readonly instance: Instance;
  readonly world: World;
  readonly ocs: Ocs;
  readonly faults: Faults;
  readonly events: Events;
  readonly recorder: Recorder;
  /** True while this instance is the one that answers. */
  readonly isPrimary: () => boolean;
  /** True while this instance keeps what connects and does not answer. */
  readonly isSilent: () => boolean;
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
  /** In order: FIN, and what is under way stays unanswered. */
  readonly closeConnections: () => void;
  readonly closeIdle: () => void;
  /** Listeners close, connections are reset. */
  readonly fall: () => void;
  /** Listeners close; connections stay as they are. */
  readonly refuse: () => void;
  /** Listens again on the same ports. Resolves once it does, or has found a port taken and goes on trying. */
  readonly rise: () => Promise<void>;
  readonly close: () => Promise<void>;
};

/** Milliseconds until a port that was taken meanwhile is tried again. */
const RETRY = 50;

type Door = { readonly host: string; readonly port: number; readonly accept: (wire: Socket) => void; server: Server };

export const createWire = (parts: WireParts): Wire => {
  const doors: Door[] = [];
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

  const reopen = async (door: Door): Promise<void> => {
    if (state !== "up" || door.server.listening) return;
    const server = (door.server = createServer({ allowHalfOpen: true }, door.accept));
    await listenOn(server, door.host, door.port).catch(() => {
      setTimeout(() => void reopen(door), RETRY).unref();
    });
    // What happened meanwhile counts.
    if (state !== "up") server.close();
  };

  const shut = (): Promise<void>[] =>
    doors.map(
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
      const door = { host, accept: accept(host, tls), server: createServer({ allowHalfOpen: true }) };
      const taken = await listenOn(door.server.on("connection", door.accept), host, port);
      doors.push({ ...door, port: taken });
      return taken;
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
    rise: async () => {
      if (state === "down") state = "up";
      opening = opening.then(() => Promise.all(doors.map(reopen)));
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

/** Reads what comes and answers nothing, until the client ends it. */
const keepSilent = (socket: Socket, wire: Socket): void => {
  socket
    .on("error", () => {})
    .on("end", () => wire.destroy())
    .resume();
};

/** The certificate for a connection: the listener's own or, where the fault bad-cert strikes, another authority's. */
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
  { instance, world, ocs, faults, events, recorder }: WireParts,
  scheme: string,
  delay: () => number,
): Service => ({
  ocs,
  delay,
  listener: `sandbox-${instance}-${scheme}`,
  meet: (message, connection, hands) => {
    let known: Subject | undefined;
    // Most requests meet no fault, and then nobody asks.
    const subject = (): Subject => (known ??= subjectOf(world, message));
    return meet(faults, { ...hands, world, events, subject }, { instance, connection, subject });
  },
  seen: ({ method, target, headers, body }, { status, faults: struck }, connection) => {
    recorder.saw({
      time: new Date(world.clock.now()).toISOString(),
      instance,
      connection,
      method,
      target,
      headers,
      body: Buffer.from(body).toString("utf8"),
      status,
      faults: struck,
    });
  },
});

/** Resolves to the port; rejects when it cannot be had. */
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
