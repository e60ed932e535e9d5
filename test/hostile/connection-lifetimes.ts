/**
 * How long connections live, as the server sees it that takes them: from the moment it takes one until it has closed
 * it.
 */
import { subscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";

/** Milliseconds. */
export type Lives = {
  /** Taken since the last question. */ readonly taken: number;
  /** Of those that have ended. */ readonly longest: number;
  /** Not closed yet. */ readonly open: number;
};

/**
 * Counts what every server of this process takes from now on. The function that is returned asks about one port, and
 * begins anew.
 */
export const countLives = (): ((port: number) => Lives) => {
  const ended = new Map<number, number[]>();
  const open = new Map<number, Set<Socket>>();
  subscribe("net.server.socket", (message) => {
    const { socket } = message as { socket: Socket };
    const [port, began] = [socket.localPort ?? 0, performance.now()];
    of(open, port, () => new Set()).add(socket);
    socket.once("close", () => {
      open.get(port)!.delete(socket);
      of(ended, port, () => []).push(performance.now() - began);
    });
  });
  return (port) => {
    const over = ended.get(port)?.splice(0) ?? [];
    const still = open.get(port)?.size ?? 0;
    return { taken: over.length + still, longest: over.reduce((most, life) => Math.max(most, life), 0), open: still };
  };
};

const of = <Value>(map: Map<number, Value>, key: number, make: () => Value): Value => {
  const value = map.get(key) ?? make();
  map.set(key, value);
  return value;
};
