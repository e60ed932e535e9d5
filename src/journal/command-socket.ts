/**
 * How commands reach the gateway that has the journal open: a Unix socket in `audit.dir` that only the gateway's user
 * can use. One question per connection: a JSON line `{ name, body }`. The reply is one line: `{ answer }`, `{ wrong }`
 * (invalid question) or `{ failed }` (execution failed), the last two in words.
 */
import { createHash } from "node:crypto";
import { closeSync, constants, openSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { basename, dirname, relative } from "node:path";
import { readLine, stringify } from "./entry-line.ts";
import { faultInWords, reason } from "../common/system-error.ts";

/** The question itself is invalid; the message tells the sender why. */
export class WrongCommand extends Error {
  override readonly name = "WrongCommand";
}

/** The gateway runs, but it failed to execute the command or stopped answering. */
export class CommandFailed extends Error {
  override readonly name = "CommandFailed";
}

export type Command = { readonly name: string; readonly body: unknown };
type CommandReply = { readonly answer?: unknown; readonly wrong?: string; readonly failed?: string };

/** sockaddr_un holds 108 bytes on Linux and 104 elsewhere, including the terminating NUL. */
const MOST_PATH = process.platform === "linux" ? 107 : 103;
const MOST_QUESTION = 1 << 20;
const MOST_CONNECTIONS = 64;
const QUESTION_MS = 5000;
const CONNECT_MS = 3000;
const ANSWER_MS = 600_000;

type Place = { readonly path: string; readonly close: () => void };

/**
 * The socket's path in a form that the system accepts. A path that is too long is given relative to the working
 * directory or, on Linux, by a descriptor of its directory, which stays open until `close`. Throws when neither form is
 * short enough.
 */
export const shortPath = (path: string, most = MOST_PATH): Place => {
  const whole = { path, close: () => undefined };
  if (process.platform === "win32")
    return { ...whole, path: `\\\\.\\pipe\\ocsgw-${createHash("sha256").update(path).digest("hex")}` };
  const fromHere = relative(process.cwd(), path);
  for (const each of [path, fromHere]) if (Buffer.byteLength(each) <= most) return { ...whole, path: each };
  if (process.platform !== "linux")
    throw new Error(
      `the path ${path} is longer than the ${most} bytes that a socket's may have: choose a shorter audit.dir`,
    );
  const folder = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  let isOpen = true;
  // Close once only: the number may belong to another file afterwards.
  const close = (): void => {
    if (isOpen) closeSync(folder);
    isOpen = false;
  };
  return { path: `/proc/self/fd/${folder}/${basename(path)}`, close };
};

/** Whether a process listens on this socket, whatever it would answer. */
export const isListening = async (path: string): Promise<boolean> => {
  const socket = await reach(path).catch(
    (error: NodeJS.ErrnoException) => error.code === "EACCES" || error.code === "EAGAIN",
  );
  if (typeof socket === "object") socket.destroy();
  return socket !== undefined && socket !== false;
};

/** Undefined when no process listens. Rejects with the system's error when the socket may not be used. */
const reach = async (path: string): Promise<Socket | undefined> => {
  let place: Place | undefined;
  try {
    place = shortPath(path);
    return await connected(place.path);
  } catch (error) {
    if (["ENOENT", "ECONNREFUSED", "ENOTDIR", "ENOTSOCK"].includes((error as NodeJS.ErrnoException).code ?? ""))
      return undefined;
    throw error;
  } finally {
    place?.close();
  }
};

const connected = (path: string): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.setTimeout(CONNECT_MS, () =>
      socket.destroy(Object.assign(new Error("no connection to the gateway's socket"), { code: "EAGAIN" })),
    );
    socket.once("error", reject).once("connect", () => {
      socket
        .setTimeout(0)
        .off("error", reject)
        .on("error", () => undefined);
      resolve(socket);
    });
  });

/** Undefined when no gateway listens in this directory. Rejects with WrongCommand or CommandFailed. */
export const askGateway = async (path: string, command: Command): Promise<{ readonly answer: unknown } | undefined> => {
  const socket = await reach(path).catch((error: NodeJS.ErrnoException) => {
    throw new CommandFailed(
      `the gateway's socket ${path} cannot be used (${reason(error)}); run this as the gateway's user`,
      { cause: error },
    );
  });
  if (!socket) return undefined;
  socket.setTimeout(ANSWER_MS, () => socket.destroy());
  socket.write(`${stringify(command)}\n`);
  const text = await lineFrom(socket, Number.POSITIVE_INFINITY).catch(() => undefined);
  socket.destroy();
  if (text === undefined) throw new CommandFailed("the gateway closed its socket before it had answered");
  const { wrong, failed, ...reply } = readLine(text) as unknown as CommandReply;
  if (wrong !== undefined) throw new WrongCommand(wrong);
  if (failed !== undefined) throw new CommandFailed(failed);
  return { answer: reply.answer };
};

/** The first line, at most `most` bytes. Rejects when the peer closes before the line ends, or sends more. */
const lineFrom = (socket: Socket, most: number): Promise<string> =>
  new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let length = 0;
    const fail = (): void => reject(new Error("the connection ended before a complete line"));
    socket.on("close", fail).on("data", (part: Buffer) => {
      const end = part.indexOf("\n");
      parts.push(end < 0 ? part : part.subarray(0, end));
      length += part.length;
      if (end >= 0) resolve(Buffer.concat(parts).toString("utf8"));
      else if (length > most) fail();
    });
  });

export type CommandSocket = { readonly close: () => Promise<void> };

/**
 * Call it only while holding the journal's lock: it replaces the socket of an earlier gateway. Rejects when the socket
 * cannot be created.
 */
export const listenForCommands = async (
  path: string,
  answer: (command: Command) => Promise<unknown>,
): Promise<CommandSocket> => {
  const place = shortPath(path);
  if (process.platform !== "win32") rmSync(path, { force: true });
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket)).on("error", () => undefined);
    void converse(socket, answer);
  });
  server.maxConnections = MOST_CONNECTIONS;
  try {
    await bound(server, place.path);
  } catch (error) {
    place.close();
    throw error;
  }
  server.on("error", () => undefined).unref();
  return {
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
      place.close();
    },
  };
};

/**
 * The umask gives the socket its permissions, so other users never have access to it. `listen` binds a path before it
 * returns.
 */
const bound = (server: Server, path: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const mask = process.umask(0o177);
    try {
      server.once("error", reject).listen(path, () => {
        server.off("error", reject);
        resolve();
      });
    } finally {
      process.umask(mask);
    }
  });

const converse = async (socket: Socket, answer: (command: Command) => Promise<unknown>): Promise<void> => {
  socket.setTimeout(QUESTION_MS, () => socket.destroy());
  const text = await lineFrom(socket, MOST_QUESTION).catch(() => undefined);
  if (text === undefined) return void socket.destroy();
  socket.setTimeout(0);
  const reply = await replyTo(text, answer);
  if (!socket.destroyed) socket.end(`${stringify(reply)}\n`);
};

const replyTo = async (text: string, answer: (command: Command) => Promise<unknown>): Promise<CommandReply> => {
  try {
    const { name, body } = readLine(text) as unknown as Partial<Command>;
    if (typeof name !== "string") return { wrong: "expected the name of a command" };
    return { answer: (await answer({ name, body })) ?? null };
  } catch (error) {
    if (error instanceof SyntaxError) return { wrong: "expected a line of JSON" };
    if (error instanceof WrongCommand) return { wrong: error.message };
    return { failed: faultInWords(error) };
  }
};
