/** What an OCS address shows to a new connection (TCP and TLS, no request). No request is sent to find out, so none can reach both of a pair. */
import type { Socket } from "node:net";
import { ConnectFailed, connectTo, type Endpoint } from "./endpoint.ts";
import { reason } from "../system-error.ts";

/** `accepts`: it keeps the connection open. `silent`: no answer within the connect timeout. `fails TLS`: its certificate is not accepted, or the like. */
export type Seen = "accepts" | "accepts and closes" | "refuses" | "silent" | "fails TLS";

export type Probe = {
  /** Undefined while nothing is known, and for ever when this host could not try: that says nothing about OCS. */
  readonly seen: () => Seen | undefined;
  /** This host could not try: out of file descriptors, ports or memory. */
  readonly isLocalFailure: () => boolean;
  /** The error, where there was one. */
  readonly detail: () => string | undefined;
  /** Resolves when all is known. */
  readonly done: Promise<void>;
  /** The open connection of one that accepts, for the caller to keep. Everything else ends here. */
  readonly release: () => Socket | undefined;
};

/** `holdMs`: a connection that is still open after so long is kept. */
export const probe = (endpoint: Endpoint, holdMs: number): Probe => {
  const { promise: done, resolve } = Promise.withResolvers<void>();
  let seen: Seen | undefined;
  let failed: ConnectFailed | undefined;
  let open: Socket | undefined;
  let isOver = false;
  const settle = (what: Seen | undefined): void => {
    seen ??= what;
    resolve();
  };
  connectTo(endpoint, (error, socket) => {
    if (isOver || !socket) {
      socket?.destroy();
      if (error instanceof ConnectFailed) failed = error;
      return settle(failed && SEEN[failed.how]);
    }
    open = socket;
    const timer = setTimeout(() => settle("accepts"), holdMs);
    const ended = (): void => {
      clearTimeout(timer);
      open = undefined;
      socket.destroy();
      settle("accepts and closes");
    };
    socket.once("end", ended).once("close", ended).resume();
  });
  const release = (): Socket | undefined => {
    isOver = true;
    const kept = seen === "accepts" ? open : undefined;
    if (open && !kept) open.destroy();
    open = undefined;
    return kept;
  };
  return {
    seen: () => seen,
    isLocalFailure: () => failed?.how === "local",
    detail: () => failed && reason(failed),
    done,
    release,
  };
};

const SEEN: Readonly<Record<ConnectFailed["how"], Seen | undefined>> = {
  local: undefined,
  refused: "refuses",
  invalid: "fails TLS",
  closed: "accepts and closes",
  silent: "silent",
};

/** A standby that closes does it at once: a connection that is open after this long is kept. */
const HOLD_MS = 60;
/** So long one that accepts waits for what the other one shows: the active one for the peer, the peer for the active one. */
const PEER_MAY_TAKE_MS = 150;
const ACTIVE_MAY_TAKE_MS = 500;

/** What the two of a pair show at one time. `active` is undefined when this host could not try; an OCS that took too long is silent. */
export type Both = {
  readonly active: Seen | undefined;
  readonly peer: Seen | undefined;
  /** The open connection of the chosen one; the others end. */
  readonly take: (choice: "active" | "peer" | undefined) => Socket | undefined;
};

export const probeBoth = async (activeEndpoint: Endpoint, peerEndpoint: Endpoint | undefined): Promise<Both> => {
  const active = probe(activeEndpoint, HOLD_MS);
  const peer = peerEndpoint && probe(peerEndpoint, HOLD_MS);
  await enough(active, peer);
  return {
    active: active.isLocalFailure() ? undefined : (active.seen() ?? "silent"),
    peer: peer?.seen(),
    take: (choice) => {
      const [activeSocket, peerSocket] = [active.release(), peer?.release()];
      if (choice !== "active") activeSocket?.destroy();
      if (choice !== "peer") peerSocket?.destroy();
      return choice === "active" ? activeSocket : choice === "peer" ? peerSocket : undefined;
    },
  };
};

const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
/** Each its own: one promise for all would keep what waits for it for ever. */
const never = (): Promise<void> => new Promise(() => undefined);

/** All is known of both, or one accepts and the other one has had its time. */
const enough = async (active: Probe, peer: Probe | undefined): Promise<void> => {
  if (!peer) return active.done;
  await Promise.race([
    Promise.all([active.done, peer.done]),
    active.done.then(() => (active.seen() === "accepts" ? after(PEER_MAY_TAKE_MS) : never())),
    peer.done.then(() => (peer.seen() === "accepts" ? after(ACTIVE_MAY_TAKE_MS) : never())),
  ]);
};
