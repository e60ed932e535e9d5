/** One client's connection as OCS keeps it: open for ever, whatever `Connection` says, and one request at a time. */
import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { REASONS } from "../ocs/answer.ts";
import type { Arrival, Handler, Reply } from "../message.ts";
import { MalformedMessage, MessageReader, type Message } from "./message-reader.ts";
import { refusedMessage } from "./ocs.ts";
import type { ConnectionLog } from "./recorder.ts";

export type Service = {
  readonly handler: Handler;
  /** Milliseconds between doing what was asked and answering. */
  readonly delay: () => number;
  readonly listener: string;
  /** What came and what it led to, told before the answer leaves. */
  readonly seen: (message: Message, status: number, connection: number) => void;
};

/** Milliseconds for a client to read the last answer and hang up. */
const LINGER = 1000;

/** `socket` is what is read and written; `wire` is the TCP socket under it, the same one without TLS. */
export const serve = (service: Service, log: ConnectionLog, { socket, wire }: { socket: Socket; wire: Socket }): void => {
  const reader = new MessageReader();
  const gone = new AbortController();
  let answering = false;
  let ended = false;

  const onData = (chunk: Buffer): void => {
    // Even the first byte of another request is too early: OCS does not take requests ahead of their turn.
    if (answering) return punish();
    reader.feed(chunk);
    const message = read();
    if (!message) return;
    answering = true;
    log.request();
    void answer(message).finally(() => { answering = false; });
    if (reader.waiting > 0) punish();
  };

  const read = (): Message | undefined => {
    try {
      return reader.next();
    } catch (error) {
      if (!(error instanceof MalformedMessage)) throw error;
      socket.off("data", onData).resume().end(encode(refusedMessage("unknown-request", error.message)));
      socket.setTimeout(LINGER, () => socket.destroy());
      return undefined;
    }
  };

  const punish = (): void => {
    log.violation();
    socket.off("data", onData);
    reset(wire);
  };

  const answer = async (message: Message): Promise<void> => {
    const reply = await service.handler(arrivalOf(message, service.listener, wire, gone.signal));
    service.seen(message, reply.status, log.number);
    if (service.delay() > 0) await pause(service.delay(), undefined, { signal: gone.signal }).catch(() => {});
    if (gone.signal.aborted) return;
    socket.write(encode(reply));
    if (ended) socket.end();
  };

  socket.on("data", onData);
  // A client that has said its last word still gets the answer that is under way.
  socket.on("end", () => {
    ended = true;
    if (!answering) socket.end();
  });
  // A client that breaks the connection is no error of ours; "close" follows.
  socket.on("error", () => {});
  socket.on("close", () => { gone.abort(); log.closed(); });
};

const reset = (wire: Socket): void => {
  if (!wire.destroyed) wire.resetAndDestroy();
};

const encode = ({ status, headers, body }: Reply): Buffer => {
  const lines = [`HTTP/1.1 ${status} ${REASONS[status]}`, ...headers.map(([name, value]) => `${name}: ${value}`)];
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), body]);
};

const arrivalOf = ({ method, target, headers, body }: Message, listener: string, wire: Socket, gone: AbortSignal): Arrival => ({
  id: newId(),
  at: performance.now(),
  method,
  target,
  headers,
  source: wire.remoteAddress ?? "",
  listener,
  body: () => Promise.resolve(body),
  surplus: () => Promise.resolve(false),
  gone,
});

const CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** A ULID: 48 bits of time, 80 of chance, in Crockford's base32. */
const newId = (): string => {
  let bits = (BigInt(Date.now()) << 80n) | BigInt(`0x${randomBytes(10).toString("hex")}`);
  let id = "";
  for (let index = 0; index < 26; index++, bits >>= 5n) id = CROCKFORD[Number(bits & 31n)] + id;
  return id;
};
