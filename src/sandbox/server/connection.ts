/** One client's connection as OCS keeps it: open for ever, whatever `Connection` says, and one request at a time. */
import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { REASONS } from "../ocs/answer.ts";
import type { Arrival, Reply } from "../message.ts";
import type { Encounter } from "./encounter.ts";
import type { Exchange } from "./fault-kinds.ts";
import { wait } from "./lapse.ts";
import { MalformedMessage, MessageReader, type Message } from "./message-reader.ts";
import { refusedMessage, type Ocs } from "./ocs.ts";
import type { ConnectionLog } from "./recorder.ts";

/** The socket's part of an exchange that a fault may meet. */
export type Hands = Omit<Exchange, "world" | "events" | "subject">;
export type Outcome = { readonly status: number | null; readonly faults: readonly string[] };

export type Service = {
  readonly ocs: Ocs;
  /** Milliseconds between doing what was asked and answering. */
  readonly delay: () => number;
  readonly listener: string;
  readonly meet: (message: Message, connection: number, hands: Hands) => Encounter;
  /** What came and what it led to, told before the answer leaves. */
  readonly seen: (message: Message, outcome: Outcome, connection: number) => void;
};

export type Connection = {
  /** No request is under way, not even the first byte of one. */
  readonly isIdle: () => boolean;
  /** FIN, without the answer that may be under way. */
  readonly closeInOrder: () => void;
  /** RST. */
  readonly reset: () => void;
};

/** Milliseconds for a client to read the last answer and hang up. */
const LINGER = 1000;
const NEVER = new AbortController().signal;

/** `socket` is what is read and written; `wire` is the TCP socket under it, the same one without TLS. */
export const serve = (
  service: Service,
  log: ConnectionLog,
  { socket, wire }: { socket: Socket; wire: Socket },
): Connection => {
  const reader = new MessageReader();
  const gone = new AbortController();
  let underWay: Encounter | undefined;
  let ending: "by the client" | "by us" | undefined;

  const onData = (chunk: Buffer): void => {
    // Even the first byte of another request is too early: OCS does not take requests ahead of their turn.
    if (underWay) return refuseSecond(underWay);
    reader.feed(chunk);
    const message = read();
    if (!message) return;
    log.request();
    underWay = service.meet(message, log.number, hands);
    void answer(message, underWay).finally(() => {
      underWay = undefined;
    });
    if (reader.waiting > 0) refuseSecond(underWay);
  };

  const read = (): Message | undefined => {
    try {
      return reader.next();
    } catch (error) {
      if (!(error instanceof MalformedMessage)) throw error;
      socket.write(encode(refusedMessage("unknown-request", error.message)));
      finish();
      return undefined;
    }
  };

  const refuseSecond = (encounter: Encounter): void => {
    log.violation();
    hearNoMore();
    if (encounter.refusesSecond()) ending = "by us";
    else reset();
  };

  const answer = async (message: Message, encounter: Encounter): Promise<void> => {
    const verdict = await encounter.arrival();
    if (verdict === "over") return service.seen(message, { status: null, faults: encounter.struck }, log.number);
    const arrival = arrivalOf(message, service.listener, wire, gone.signal);
    const reply = verdict === "go on" ? await service.ocs(arrival, { databaseDown: encounter.databaseDown }) : verdict;
    service.seen(message, { status: reply.status, faults: encounter.struck }, log.number);
    if (service.delay() > 0) await wait(service.delay(), { released: NEVER, gone: gone.signal });
    if (gone.signal.aborted) return;
    const bytes = encode(reply);
    if ((await encounter.answer(bytes)) === "go on") socket.write(bytes);
    if (ending === "by us") finish();
    else if (ending === "by the client") socket.end();
  };

  const hearNoMore = (): void => {
    socket.off("data", onData).resume();
  };
  const halfClose = (): void => {
    hearNoMore();
    socket.end();
  };
  const finish = (): void => {
    halfClose();
    const timer = setTimeout(() => {
      socket.destroy();
    }, LINGER).unref();
    socket.once("close", () => {
      clearTimeout(timer);
    });
  };
  const reset = (): void => {
    if (!wire.destroyed) wire.resetAndDestroy();
  };

  const hands: Hands = {
    write: (bytes) => {
      if (!gone.signal.aborted && socket.writable) socket.write(bytes);
    },
    halfClose,
    finish,
    finishAfterwards: () => {
      ending = "by us";
    },
    reset,
    wait: ({ value, over }) => wait(value, { released: over, gone: gone.signal }),
  };

  socket.on("data", onData);
  // A client that has said its last word still gets the answer that is under way.
  socket.on("end", () => {
    ending ??= "by the client";
    if (!underWay) socket.end();
  });
  // A client that breaks the connection is no error of ours; "close" follows.
  socket.on("error", () => {});
  socket.on("close", () => {
    gone.abort();
    log.closed();
  });
  return {
    isIdle: () => !underWay && reader.idle,
    closeInOrder: () => {
      gone.abort();
      log.closed();
      finish();
    },
    reset,
  };
};

const encode = ({ status, headers, body }: Reply): Buffer => {
  const lines = [`HTTP/1.1 ${status} ${REASONS[status]}`, ...headers.map(([name, value]) => `${name}: ${value}`)];
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), body]);
};

const arrivalOf = (
  { method, target, headers, body }: Message,
  listener: string,
  wire: Socket,
  gone: AbortSignal,
): Arrival => ({
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
