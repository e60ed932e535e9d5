/**
 * A client that writes bytes as they are, in the pieces it is given, closes its side, and waits for the server to close
 * the other.
 */
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

export type Reply = {
  readonly status: number;
  readonly origin: string | undefined;
  readonly code: string | undefined;
  readonly warning: string | undefined;
};
export type Outcome = {
  /** Without interim ones. */
  readonly replies: readonly Reply[];
  /** What came and is no whole reply. */
  readonly rest: string;
  /** The server closed the connection. */
  readonly closed: boolean;
};

/** Without `ca` in plain text. `from`: the client's address, 127.0.0.1 when left out. */
export type Address = { readonly port: number; readonly ca?: string; readonly from?: string };

/** A server has this long to close, milliseconds. */
const PATIENCE = 5000;
const SETTLE = 5;
/** Nothing but whole interim replies (RFC 9110, 15.2). */
const INTERIM = /^(HTTP\/1\.1 1\d\d [^\r]*\r\n([^\r]+\r\n)*\r\n)*$/;

/**
 * The client closes its side once more came than interim replies (a proxy lets go of who leaves after its 100), or
 * `settle` milliseconds after its last byte.
 */
export const attack = async (address: Address, pieces: readonly Buffer[], settle = SETTLE): Promise<Outcome> => {
  const socket = await open(address);
  let received = "";
  const over = new Promise<void>((resolve) => socket.once("close", resolve));
  const heard = new Promise<void>((resolve) => {
    socket.on("data", (chunk: Buffer) => {
      received += chunk.toString("latin1");
      if (!INTERIM.test(received)) resolve();
    });
  });
  for (const piece of pieces) {
    if (socket.writable) socket.write(piece);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.race([over, heard, new Promise((resolve) => setTimeout(resolve, settle))]);
  if (socket.writable) socket.end();
  const patience = setTimeout(() => socket.destroy(new Error("still open")), PATIENCE);
  await over;
  clearTimeout(patience);
  return { ...repliesIn(received, pieces), closed: socket.errored?.message !== "still open" };
};

const open = (address: Address): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const options = {
      port: address.port,
      host: "127.0.0.1",
      noDelay: true,
      allowHalfOpen: true,
      ...(address.from !== undefined && { localAddress: address.from }),
    };
    const socket =
      address.ca === undefined
        ? connect(options, () => resolve(socket))
        : connectTls({ ...options, ca: address.ca, servername: "localhost" }, () => resolve(socket));
    socket.on("error", reject);
  });

const repliesIn = (text: string, pieces: readonly Buffer[]): Pick<Outcome, "replies" | "rest"> => {
  const replies: Reply[] = [];
  // A reply to HEAD announces a body that it does not have.
  const headAsked = Buffer.concat(pieces).includes("HEAD");
  let rest = text;
  for (;;) {
    const end = rest.indexOf("\r\n\r\n");
    if (!rest.startsWith("HTTP/1.1 ") || end < 0) return { replies, rest };
    const head = rest.slice(0, end);
    const status = Number(head.slice(9, 12));
    const behind = rest.slice(end + 4);
    const length =
      status < 200 || (headAsked && !behind.startsWith("<")) ? 0 : Number(header(head, "Content-Length") ?? 0);
    if (behind.length < length) return { replies, rest };
    if (status >= 200)
      replies.push({
        status,
        origin: header(head, "Ocsgw-Origin"),
        code: header(head, "Ocsgw-Code"),
        warning: header(head, "Warning"),
      });
    rest = behind.slice(length);
  }
};

const header = (head: string, name: string): string | undefined =>
  new RegExp(`\\r\\n${name}: ([^\\r]*)`, "i").exec(head)?.[1];
