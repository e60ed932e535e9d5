/** One request on a connection of its own. */
import { connect } from "node:net";

export type Seen = {
  readonly at: number;
  readonly status: number;
  readonly id: string;
  readonly origin: string;
  readonly delivery: string;
  readonly code: string | undefined;
  readonly warning: string | undefined;
  readonly repeat: string | undefined;
  readonly isReplayed: boolean;
  readonly location: string | undefined;
  readonly body: string;
};

/** The longest that a client waits; longer than the gateway's own limits together. */
const PATIENCE_MS = 8000;

/** Resolves to the reply; to undefined if the connection was refused or ended without one, or none came in time. */
export const exchange = (port: number, bytes: string): Promise<Seen | undefined> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes, "latin1"));
    const chunks: Buffer[] = [];
    const timer = setTimeout(() => socket.destroy(), PATIENCE_MS);
    socket
      .setNoDelay(true)
      .on("error", () => undefined)
      .on("data", (chunk: Buffer) => chunks.push(chunk))
      .once("end", () => socket.destroy())
      .once("close", () => {
        clearTimeout(timer);
        resolve(seenIn(Buffer.concat(chunks).toString("latin1")));
      });
  });

const seenIn = (text: string): Seen | undefined => {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const head = text.slice(0, end);
  const header = (name: string): string | undefined => new RegExp(`\\r\\n${name}: ([^\\r]*)`, "i").exec(head)?.[1];
  const body = text.slice(end + 4);
  if (body.length < Number(header("Content-Length") ?? 0)) return undefined;
  return {
    at: performance.now(),
    status: Number(head.slice(9, 12)),
    id: header("Ocsgw-Request-Id") ?? "",
    origin: header("Ocsgw-Origin") ?? "",
    delivery: header("Ocsgw-Delivery") ?? "",
    code: header("Ocsgw-Code"),
    warning: header("Warning"),
    repeat: header("Ocsgw-Repeat"),
    isReplayed: header("Ocsgw-Idempotency") === "replayed",
    location: header("Location"),
    body,
  };
};
