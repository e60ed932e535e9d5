/** Brings messages to a destination. */
import { readSmallFile } from "../../common/small-file/small-file.ts";
import { appendDurably } from "../receivers/append-file.ts";
import { sendDatagrams } from "../receivers/send-datagrams.ts";
import { sendStream, tryStream, type StreamReceiver, type StreamTls } from "../receivers/send-stream.ts";
import type { Destination, ForwardAddress } from "./destination.ts";

/** Longer than a round trip, see `send-stream.ts`. */
const SETTLE_MS = 200;
/** A closed port of the same network is reported within this time. */
const LISTEN_MS = 50;
const TIMEOUT_MS = 5000;

/** Resolves when the receiver has taken all messages (UDP: when they are sent). Otherwise any may have arrived. */
export const deliver = async ({ to, tls }: Destination, messages: readonly string[]): Promise<void> => {
  if (to.kind === "file") return void (await appendDurably(to.path, linesOf(messages)));
  if (to.protocol === "udp")
    return sendDatagrams(
      to,
      messages.map((message) => Buffer.from(message)),
      LISTEN_MS,
    );
  const text = to.kind === "syslog" ? countedOf(messages) : linesOf(messages);
  return sendStream(await receiverOf(to, tls), Buffer.from(text), { settleMs: SETTLE_MS, timeoutMs: TIMEOUT_MS });
};

const linesOf = (messages: readonly string[]): string => messages.map((message) => `${message}\n`).join("");

/** Octet counting (RFC 6587 and RFC 5425): no message can end another one. */
const countedOf = (messages: readonly string[]): string =>
  messages.map((message) => `${Buffer.byteLength(message)} ${message}`).join("");

type Network = Exclude<ForwardAddress, { readonly kind: "file" }>;

const receiverOf = async (to: Network, tls: Destination["tls"]): Promise<StreamReceiver> =>
  to.protocol === "tls" ? { host: to.host, port: to.port, tls: await tlsOf(tls) } : to;

const tlsOf = async (tls: Destination["tls"]): Promise<StreamTls> => {
  const read = async (path: string | null = null): Promise<string | undefined> =>
    path === null ? undefined : (await readSmallFile(path)).toString();
  return {
    ca: await read(tls?.ca),
    cert: await read(tls?.cert),
    key: await read(tls?.key),
    serverName: tls?.server_name ?? undefined,
  };
};

/** For `check --connect`: connects without sending. Only TCP and TLS can say whether a receiver is there. */
export const tryDestination = async ({ to, tls }: Pick<Destination, "to" | "tls">): Promise<void> => {
  if (to.kind === "file" || to.protocol === "udp") return;
  await tryStream(await receiverOf(to, tls), TIMEOUT_MS);
};
