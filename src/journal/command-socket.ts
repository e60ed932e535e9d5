/**
 * How commands reach the gateway that has the journal open: a unix socket in `audit.dir`, for the gateway's user alone. One question a connection:
 * a line of JSON `{ name, body }`, answered by a line `{ answer }`, `{ wrong }` (the question) or `{ failed }` (its execution), both in words.
 */
import { createHash } from "node:crypto";
import { closeSync, constants, openSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { basename, dirname, relative } from "node:path";
import { readLine, stringify } from "./entry-line.ts";
import { faultInWords, reason } from "../system-error.ts";

/** In words for who asked: the question itself is wrong. */
export class WrongCommand extends Error {
  override readonly name = "WrongCommand";
}

/** The gateway is there and could not do it, or no longer answers. */
export class CommandFailed extends Error {
  override readonly name = "CommandFailed";
}

export type Command = { readonly name: string; readonly body: unknown };
type Told = { readonly answer?: unknown; readonly wrong?: string; readonly failed?: string };

/** sockaddr_un holds 108 bytes on Linux and 104 elsewhere, the end of the text included. */
const MOST_PATH = process.platform === "linux" ? 107 : 103;
const MOST_QUESTION = 1 << 20;
const MOST_CONNECTIONS = 64;
const QUESTION_MS = 5000;
const CONNECT_MS = 3000;
const ANSWER_MS = 600_000;

type Place = { readonly path: string; readonly close: () => void };

/**
 * The socket's path as the system takes it. A longer one is named from the working directory, or, on Linux, by a descriptor of its directory, which
 * stays open until `close`. Throws where neither is short enough.
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
  // Once: the number may be another file's afterwards.
  const close = (): void => {
    if (isOpen) closeSync(folder);
    isOpen = false;
  };
  return { path: `/proc/self/fd/${folder}/${basename(path)}`, close };
};

/** Whether a process listens there, whatever it would answer. */
export const isListening = async (path: string): Promise<boolean> => {
  const socket = await reach(path).catch(
    (error: NodeJS.ErrnoException) => error.code === "EACCES" || error.code === "EAGAIN",
  );
  if (typeof socket === "object") socket.destroy();
  return socket !== undefined && socket !== false;
};

/** Undefined when nobody listens. Rejects with what the system says when it may not be asked. */
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
  const { wrong, failed, ...told } = readLine(text) as unknown as Told;
  if (wrong !== undefined) throw new WrongCommand(wrong);
  if (failed !== undefined) throw new CommandFailed(failed);
  return { answer: told.answer };
};

/** The first line. Rejects when the other side ends before it does, or sends more. */
const lineFrom = (socket: Socket, most: number): Promise<string> =>
  new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let length = 0;
    const fail = (): void => reject(new Error("no whole line came"));
    socket.on("close", fail).on("data", (part: Buffer) => {
      const end = part.indexOf("\n");
      parts.push(end < 0 ? part : part.subarray(0, end));
      length += part.length;
      if (end >= 0) resolve(Buffer.concat(parts).toString("utf8"));
      else if (length > most) fail();
    });
  });

export type CommandSocket = { readonly close: () => Promise<void> };

/** To be called by who holds the journal's lock: what an earlier gateway left is replaced. Rejects when there can be no socket. */
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

/** The socket is made with the rights of the mask, and at no moment for others. Binding to a path is done before `listen` returns. */
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
  const told = await toldOf(text, answer);
  if (!socket.destroyed) socket.end(`${stringify(told)}\n`);
};

const toldOf = async (text: string, answer: (command: Command) => Promise<unknown>): Promise<Told> => {
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
