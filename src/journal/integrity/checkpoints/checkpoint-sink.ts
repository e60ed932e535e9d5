/**
 * Checkpoint sinks: copies of the checkpoints outside the journal's directory, so that an attacker who changes the
 * journal cannot change them too. A sink is a file on another disk or a syslog receiver. A file has the signed notes
 * one after the other, each followed by an empty line.
 */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { constants } from "node:fs";
import { open, stat } from "node:fs/promises";
import { connect } from "node:net";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { giveToOwner, openToWrite } from "../../../common/file-owner.ts";
import { nodeDisk } from "../../disk.ts";

/**
 * What a delivery found. `shortened`: the sink contained less than this process had left there. `incomplete`: it was
 * shortened earlier, and the earlier checkpoints are still missing.
 */
export type Delivered = "complete" | "shortened" | "incomplete";

export type CheckpointSink = {
  /** As in the config. */
  readonly name: string;
  /** Resolves when the note is written (syslog: sent). */
  readonly deliver: (note: string) => Promise<Delivered>;
  /** The newest notes in the sink, in order, signed by anyone; undefined if the sink cannot be read. */
  readonly published: () => Promise<readonly string[] | undefined>;
};

export type Address =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "syslog"; readonly protocol: "udp" | "tcp"; readonly host: string; readonly port: number };

export const checkpointSink = (at: Address): CheckpointSink => {
  if (at.kind === "file")
    return { name: `file:${at.path}`, deliver: delivererTo(at.path), published: () => publishedIn(at.path) };
  const send = at.protocol === "tcp" ? sendTcp : sendUdp;
  const host = at.host.includes(":") ? `[${at.host}]` : at.host;
  return {
    name: `syslog:${at.protocol}://${host}:${at.port}`,
    deliver: async (note) => {
      await send(at, syslogMessage(note));
      return "complete";
    },
    published: () => Promise.resolve(undefined),
  };
};

/** Writes to the file, and remembers what this process wrote, so that missing checkpoints are noticed. */
const delivererTo = (path: string): CheckpointSink["deliver"] => {
  /** Bytes in the file after the last delivery. */
  let left = 0;
  let last = "";
  /** While checkpoints are missing: the bytes that the file would have, and the newest note that was lost. */
  let missing: { readonly size: number; readonly note: string } | undefined;
  return async (note) => {
    const { before, after } = await append(path, `${note}\n`);
    const isShortened = before < left;
    if (isShortened) missing ??= { size: left, note: last };
    else if (missing && before >= missing.size && (await hasAtEnd(path, missing.note))) missing = undefined;
    if (missing) missing = { ...missing, size: missing.size + after - before };
    [left, last] = [after, note];
    return isShortened ? "shortened" : missing ? "incomplete" : "complete";
  };
};

/** Sizes of the file in bytes. */
type Grown = { readonly before: number; readonly after: number };

const append = async (path: string, text: string): Promise<Grown> => {
  await requireFile(path);
  const file = await openToWrite(path, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT, 0o600);
  try {
    const { size } = await file.stat();
    try {
      await file.appendFile(text);
      await file.sync();
    } catch (error) {
      // A partial note would make the next one unreadable.
      await file.truncate(size).catch(() => undefined);
      throw error;
    }
    if (size === 0) {
      await giveToOwner(path, (uid, gid) => file.chown(uid, gid));
      await nodeDisk.syncDirectory(dirname(path));
    }
    return { before: size, after: size + Buffer.byteLength(text) };
  } finally {
    await file.close();
  }
};

/** About ten days of checkpoints at one a minute. */
const TAIL_BYTES = 4 << 20;
const NOTES = /[^\n]+\n(?:0|[1-9]\d*)\n[A-Za-z0-9+/]{43}=\n(?:[^\n]+\n)*\n(?:— [^\n]+\n)+/g;

/** Opening a pipe could wait forever. */
const requireFile = async (path: string): Promise<boolean> => {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (found && !found.isFile()) throw new Error(`${path} is not a regular file`);
  return found !== undefined;
};

const publishedIn = async (path: string): Promise<readonly string[]> =>
  (await requireFile(path)) ? [...(await tailOf(path)).matchAll(NOTES)].map(([note]) => note) : [];

/** False if the file cannot be read. */
const hasAtEnd = (path: string, note: string): Promise<boolean> =>
  tailOf(path).then(
    (tail) => tail.includes(note),
    () => false,
  );

/** The last `TAIL_BYTES` of the file. */
const tailOf = async (path: string): Promise<string> => {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    const { buffer, bytesRead } = await file.read({
      buffer: Buffer.alloc(Math.min(size, TAIL_BYTES)),
      position: Math.max(0, size - TAIL_BYTES),
    });
    return buffer.toString("utf8", 0, bytesRead);
  } finally {
    await file.close();
  }
};

/** Facility log audit (13), severity notice (5). */
const PRIORITY = 13 * 8 + 5;

/** RFC 5424. The note is a JSON text, because receivers do not agree about what a line break in a message is. */
export const syslogMessage = (note: string, at = new Date()): string =>
  `<${PRIORITY}>1 ${at.toISOString()} ${hostname() || "-"} ocsgw ${process.pid} checkpoint - ${JSON.stringify(note)}`;

type Receiver = { readonly host: string; readonly port: number };

const sendUdp = async ({ host, port }: Receiver, message: string): Promise<void> => {
  const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      socket.send(message, port, host, (error) => (error ? reject(error) : resolve()));
    });
  } finally {
    socket.close();
  }
};

/** RFC 6587, octet counting. */
const sendTcp = async ({ host, port }: Receiver, message: string): Promise<void> => {
  const socket = connect({ host, port, timeout: 5000 });
  socket.once("timeout", () => socket.destroy(new Error("the receiver did not answer in time")));
  socket.end(`${Buffer.byteLength(message)} ${message}`);
  await once(socket.resume(), "close");
};
