/** Probes an OCS address by a new connection (TCP and TLS), without a request, which could reach both OCS of a pair. */
import type { Socket } from "node:net";
import { ConnectFailed, connectTo, type Endpoint } from "../lanes/endpoint.ts";
import { reason } from "../../common/system-error.ts";

/** `accepts`: OCS keeps the connection open. `silent`: no answer within the connect timeout. `fails TLS`: any error. */
export type ProbeResult = "accepts" | "accepts and closes" | "refuses" | "silent" | "fails TLS";

export type Probe = {
  /** Undefined while the probe runs, and after a failure of this host, which says nothing about OCS. */
  readonly result: () => ProbeResult | undefined;
  /** True if this host could not connect because it lacks file descriptors, ports or memory. */
  readonly isLocalFailure: () => boolean;
  /** The error message, if any. */
  readonly detail: () => string | undefined;
  /** Resolves when the result is known. */
  readonly done: Promise<void>;
  /** Ends the probe. Returns the open connection of an OCS that accepts; any other connection is closed. */
  readonly release: () => Socket | undefined;
};

/** `holdMs`: how long a connection must stay open to count as accepted. */
export const probe = (endpoint: Endpoint, holdMs: number): Probe => {
  const { promise: done, resolve } = Promise.withResolvers<void>();
  let result: ProbeResult | undefined;
  let failed: ConnectFailed | undefined;
  let open: Socket | undefined;
  let isOver = false;
  const finish = (found: ProbeResult | undefined): void => {
    result ??= found;
    resolve();
  };
  connectTo(endpoint, (error, socket) => {
    if (isOver || !socket) {
      socket?.destroy();
      if (error instanceof ConnectFailed) failed = error;
      return finish(failed && RESULT_OF[failed.how]);
    }
    open = socket;
    const timer = setTimeout(() => finish("accepts"), holdMs);
    const ended = (): void => {
      clearTimeout(timer);
      open = undefined;
      socket.destroy();
      finish("accepts and closes");
    };
    socket.once("end", ended).once("close", ended).resume();
  });
  const release = (): Socket | undefined => {
    isOver = true;
    const kept = result === "accepts" ? open : undefined;
    if (open && !kept) open.destroy();
    open = undefined;
    return kept;
  };
  return {
    result: () => result,
    isLocalFailure: () => failed?.how === "local",
    detail: () => failed && reason(failed),
    done,
    release,
  };
};

const RESULT_OF: Readonly<Record<ConnectFailed["how"], ProbeResult | undefined>> = {
  local: undefined,
  refused: "refuses",
  invalid: "fails TLS",
  closed: "accepts and closes",
  silent: "silent",
};

/** A standby that closes connections does so at once. */
const HOLD_MS = 60;
/** How long the probe waits for one OCS after the other has accepted. */
const PEER_MAY_TAKE_MS = 150;
const ACTIVE_MAY_TAKE_MS = 500;

/**
 * The results for both OCS at one time. `active` is undefined after a failure of this host; `silent` if the active OCS
 * took too long.
 */
export type PairProbe = {
  readonly active: ProbeResult | undefined;
  readonly peer: ProbeResult | undefined;
  /** Returns the open connection of the chosen OCS and closes the other. */
  readonly take: (choice: "active" | "peer" | undefined) => Socket | undefined;
};

export const probePair = async (activeEndpoint: Endpoint, peerEndpoint: Endpoint | undefined): Promise<PairProbe> => {
  const active = probe(activeEndpoint, HOLD_MS);
  const peer = peerEndpoint && probe(peerEndpoint, HOLD_MS);
  await enough(active, peer);
  return {
    active: active.isLocalFailure() ? undefined : (active.result() ?? "silent"),
    peer: peer?.result(),
    take: (choice) => {
      const [activeSocket, peerSocket] = [active.release(), peer?.release()];
      if (choice !== "active") activeSocket?.destroy();
      if (choice !== "peer") peerSocket?.destroy();
      return choice === "active" ? activeSocket : choice === "peer" ? peerSocket : undefined;
    },
  };
};

const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
/** Returns a new promise each time: a shared one would keep everything that waits for it in memory. */
const never = (): Promise<void> => new Promise(() => undefined);

/** Resolves when both results are known, or when one OCS accepts and the other's time is over. */
const enough = async (active: Probe, peer: Probe | undefined): Promise<void> => {
  if (!peer) return active.done;
  await Promise.race([
    Promise.all([active.done, peer.done]),
    active.done.then(() => (active.result() === "accepts" ? after(PEER_MAY_TAKE_MS) : never())),
    peer.done.then(() => (peer.result() === "accepts" ? after(ACTIVE_MAY_TAKE_MS) : never())),
  ]);
};
