/**
 * Sockets that systemd listens on and passes to the gateway (sd_listen_fds(3)): they stay open while the gateway
 * restarts, so clients that connect meanwhile wait in the kernel's queue and are not refused. A socket belongs to the
 * listener with its name (FileDescriptorName=) or, under another name, to the listener with its address. In both cases
 * the addresses must be the same: the config says which address may do without TLS.
 */
import { existsSync, readFileSync, readlinkSync } from "node:fs";
import { endianness } from "node:os";
import { events } from "../../common/log/events.ts";
import { plainAddress } from "../../common/net-address.ts";
import type { Bind } from "../../settings/bind.ts";
import type { Settings } from "../../settings/schema/schema.ts";

/** `host` without brackets. */
export type PassedSocket = Bind & { readonly fd: number; readonly name: string };

/** `name`: as in the log. `socketName`: as in FileDescriptorName=, which allows no colon. */
type ExpectedSocket = { readonly name: string; readonly socketName: string; readonly bind: Bind };

/** The message has a code and says what to change. */
export class SocketsUnusable extends Error {
  override readonly name = "SocketsUnusable";
  constructor(code: string, message: string) {
    super(`error[${code}]: ${message}`);
  }
}

/** The descriptors of passed sockets, by listener. */
export class PassedSockets {
  readonly #fds: Map<string, number>;

  constructor(fds: ReadonlyMap<string, number> = new Map()) {
    this.#fds = new Map(fds);
  }

  /**
   * Returns the descriptor for this listener, and only once, because closing the listener closes it. Undefined where
   * the listener opens its address itself.
   */
  take(name: string, bind: Bind): number | undefined {
    const key = keyOf(name, bind);
    const fd = this.#fds.get(key);
    this.#fds.delete(key);
    return fd;
  }
}

const keyOf = (name: string, { host, port }: Bind): string => `${name} ${host} ${port}`;

/** Where sockets are looked up; this process when left out. */
export type SocketEnvironment = {
  readonly env: NodeJS.ProcessEnv;
  readonly pid: number;
  /** Throws SocketsUnusable where there is no listening socket. */
  readonly socketAt: (fd: number, name: string) => PassedSocket;
};

/** The first descriptor that systemd passes (SD_LISTEN_FDS_START). */
const FIRST_FD = 3;

/**
 * The sockets that were passed to this process; none without systemd. Deletes the environment variables, so that no
 * child process uses the sockets.
 */
export const passedSockets = ({ env, pid, socketAt }: SocketEnvironment = OWN): readonly PassedSocket[] => {
  const { LISTEN_FDS: count, LISTEN_PID: owner, LISTEN_FDNAMES: names = "" } = env;
  for (const name of ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"]) delete env[name];
  if (count === undefined || owner === undefined) return [];
  if (!/^\d+$/.test(owner) || !/^\d{1,5}$/.test(count)) {
    const found = `LISTEN_PID=${owner} and LISTEN_FDS=${count}`;
    throw new SocketsUnusable("OCSGW-6339", `${found} are not numbers: only systemd should set these variables`);
  }
  if (Number(owner) !== pid) {
    events.systemdSocketsForOtherProcess({ owner: Number(owner), own: pid });
    return [];
  }
  const named = names === "" ? [] : names.split(":");
  return Array.from({ length: Number(count) }, (_, at) => socketAt(FIRST_FD + at, named[at] ?? "unknown"));
};

/** Throws unless each socket belongs to exactly one listener. */
export const assignSockets = (sockets: readonly PassedSocket[], settings: Listening): PassedSockets => {
  const listeners = listenersIn(settings);
  const taken = new Map<string, PassedSocket>();
  for (const socket of sockets) {
    const { name, bind } = listenerFor(socket, listeners);
    const key = keyOf(name, bind);
    const other = taken.get(key);
    if (other) {
      const both = `${inWords(other)} and ${inWords(socket)}`;
      throw new SocketsUnusable("OCSGW-6338", `systemd passed two sockets for the listener ${name}: ${both}; keep one`);
    }
    taken.set(key, socket);
  }
  return new PassedSockets(new Map([...taken].map(([key, { fd }]) => [key, fd])));
};

type Listening = Pick<Settings, "listeners" | "upstreams" | "admin">;

const listenersIn = ({ listeners, upstreams, admin }: Listening): readonly ExpectedSocket[] => [
  ...listeners.map(({ name, bind }) => ({ name, socketName: name, bind })),
  ...Object.entries(upstreams).flatMap(([upstream, { callbacks }]) =>
    callbacks ? [{ name: `callbacks:${upstream}`, socketName: `callbacks-${upstream}`, bind: callbacks.bind }] : [],
  ),
  ...(admin ? [{ name: "admin", socketName: "admin", bind: admin.bind }] : []),
  ...(admin?.probes ? [{ name: "probes", socketName: "probes", bind: admin.probes.bind }] : []),
];

const listenerFor = (socket: PassedSocket, listeners: readonly ExpectedSocket[]): ExpectedSocket => {
  const named = listeners.filter(({ socketName }) => socketName === socket.name);
  const [first] = named;
  const found = first
    ? named.find(({ bind }) => isAt(bind, socket))
    : listeners.find(({ bind }) => bind.port !== 0 && isAt(bind, socket));
  if (found) return found;
  const passed = `systemd passed ${inWords(socket)}`;
  if (first) {
    const bound = `the listener ${first.name} is bound to ${addressOf(first.bind)}`;
    throw new SocketsUnusable("OCSGW-6336", `${passed}, but ${bound}: ${SAME}`);
  }
  const all = listeners.map(({ name, bind }) => `${name} (${addressOf(bind)})`).join(", ");
  const none = `${passed}, but no listener is bound to this address: the config has ${all}`;
  throw new SocketsUnusable("OCSGW-6335", `${none}; ${SAME}`);
};

const SAME = "use the same address for ListenStream= and bind: (ListenStream=8443 means [::]:8443)";

/** Port 0 matches any port, and localhost is one of two addresses. */
const isAt = ({ host, port }: Bind, socket: Bind): boolean => {
  if (port !== 0 && port !== socket.port) return false;
  if (host === "localhost") return socket.host === "127.0.0.1" || socket.host === "::1";
  return plainAddress(host) === plainAddress(socket.host);
};

const inWords = (socket: PassedSocket): string => `the socket "${socket.name}" at ${addressOf(socket)}`;

const addressOf = ({ host, port }: Bind): string => `${host.includes(":") ? `[${host}]` : host}:${port}`;

/** Node knows a socket's address only once it accepts connections there; the kernel's tables have it before. */
const socketAt = (fd: number, name: string): PassedSocket => {
  const inode = /^socket:\[(\d+)\]$/.exec(linkOf(fd))?.[1];
  const bound = inode !== undefined && (listeningIn(tableOf("tcp"), inode) ?? listeningIn(tableOf("tcp6"), inode));
  if (bound) return { fd, name, ...bound };
  const passed = `systemd passed "${name}" as descriptor ${fd}`;
  if (!existsSync("/proc/self/net/tcp")) {
    throw new SocketsUnusable("OCSGW-6337", `${passed}, but without /proc its address is unknown: mount /proc`);
  }
  const why = `${passed}, which is not a listening TCP socket in this network namespace`;
  throw new SocketsUnusable("OCSGW-6337", `${why}: the socket unit needs ListenStream=ADDRESS:PORT and Accept=no`);
};

const OWN: SocketEnvironment = { env: process.env, pid: process.pid, socketAt };

const linkOf = (fd: number): string => {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return "";
  }
};

/** Empty where this machine has no such table, for example without IPv6. */
const tableOf = (table: string): string => {
  try {
    return readFileSync(`/proc/self/net/${table}`, "latin1");
  } catch {
    return "";
  }
};

const LISTENING = "0A";

/** The address of the listening socket with this inode, from the text of /proc/net/tcp or tcp6 (proc(5)). */
export const listeningIn = (table: string, inode: string): Bind | undefined => {
  for (const line of table.split("\n").slice(1)) {
    const [, local = "", , state, , , , , , found] = line.trim().split(/\s+/);
    if (found !== inode || state !== LISTENING) continue;
    const [address = "", port = ""] = local.split(":");
    return { host: hostOf(address), port: Number.parseInt(port, 16) };
  }
  return undefined;
};

/** The kernel prints each four bytes as one number in this machine's byte order. */
const hostOf = (hex: string): string => {
  const words = Buffer.from(hex, "hex");
  const bytes = [...(endianness() === "LE" ? words.swap32() : words)];
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from({ length: 8 }, (_, at) => ((bytes[2 * at]! << 8) | bytes[2 * at + 1]!).toString(16));
  return plainAddress(groups.join(":"));
};
