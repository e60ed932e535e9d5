/** A client's connection, with OCS's behaviour: one request at a time; OCS ignores `Connection` and never closes it. */
import type { Socket } from "node:net";
import { REASONS } from "../../ocs/answer-tables.ts";
import { ulid } from "../../common/ulid.ts";
import type { Arrival, Reply } from "../../common/message.ts";
import type { FaultOutcome } from "../faults/apply-faults.ts";
import type { FaultContext } from "../faults/kinds.ts";
import { cancellableWait } from "../faults/cancellable-wait.ts";
import { MalformedMessage, MessageReader, type Message } from "./message-reader.ts";
import { refusedMessage, type Ocs } from "../ocs.ts";
import type { ConnectionLog, Outcome } from "./recorder.ts";

/** The operations on the socket that faults use. */
export type SocketControl = Omit<FaultContext, "world" | "events" | "subject">;
export type Service = {
  readonly ocs: Ocs;
  /** Milliseconds between carrying out a request and answering it. */
  readonly delay: () => number;
  readonly listener: string;
  /** Records a request that was read; `wire`: its TCP socket. */
  readonly arrived: (message: Message, connection: number, wire: Socket) => Recorded;
};

export type Recorded = {
  readonly faultsFor: (control: SocketControl) => FaultOutcome;
  /** Records the outcome; called before the answer is sent. */
  readonly ended: (outcome: Outcome) => void;
};

export type Connection = {
  /** True when no request is in progress and no byte of one has arrived. */
  readonly isIdle: () => boolean;
  /** Sends FIN; a request in progress gets no answer. */
  readonly closeInOrder: () => void;
  /** Sends RST. */
  readonly reset: () => void;
};

/** Milliseconds that a client has to read the last answer and close. */
const LINGER = 1000;
const NEVER = new AbortController().signal;

/** `socket`: for reading and writing. `wire`: the TCP socket below it; without TLS the same socket. */
export const serve = (
  service: Service,
  log: ConnectionLog,
  { socket, wire }: { socket: Socket; wire: Socket },
): Connection => {
  const reader = new MessageReader();
  const disconnected = new AbortController();
  let current: FaultOutcome | undefined;
  let ending: "by the client" | "by us" | undefined;

  const onData = (chunk: Buffer): void => {
    // OCS does not support pipelining: even one byte before the answer is a violation.
    if (current) return refuseSecond(current);
    reader.feed(chunk);
    const message = read();
    if (!message) return;
    log.request();
    const { faultsFor, ended } = service.arrived(message, log.number, wire);
    current = faultsFor(hands);
    void answer(message, current, ended).finally(() => {
      current = undefined;
    });
    if (reader.waiting > 0) refuseSecond(current);
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

  const refuseSecond = (faults: FaultOutcome): void => {
    log.violation();
    stopReading();
    if (faults.refusesSecond()) ending = "by us";
    else reset();
  };

  const answer = async (message: Message, faults: FaultOutcome, ended: Recorded["ended"]): Promise<void> => {
    const verdict = await faults.arrival();
    if (verdict === "over") return ended({ status: null, faults: faults.struck });
    const arrival = arrivalOf(message, service.listener, wire, disconnected.signal);
    const reply = verdict === "go on" ? await service.ocs(arrival, { databaseDown: faults.databaseDown }) : verdict;
    ended({ status: reply.status, faults: faults.struck });
    if (service.delay() > 0) await cancellableWait(service.delay(), { released: NEVER, gone: disconnected.signal });
    if (disconnected.signal.aborted) return;
    const bytes = encode(reply);
    if ((await faults.answer(bytes)) === "go on") socket.write(bytes);
    if (ending === "by us") finish();
    else if (ending === "by the client") socket.end();
  };

  const stopReading = (): void => {
    socket.off("data", onData).resume();
  };
  const halfClose = (): void => {
    stopReading();
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

  const hands: SocketControl = {
    write: (bytes) => {
      if (!disconnected.signal.aborted && socket.writable) socket.write(bytes);
    },
    halfClose,
    finish,
    finishAfterwards: () => {
      ending = "by us";
    },
    reset,
    wait: ({ value, over }) => cancellableWait(value, { released: over, gone: disconnected.signal }),
  };

  socket.on("data", onData);
  // A client that sends FIN still gets the answer to a request in progress.
  socket.on("end", () => {
    ending ??= "by the client";
    if (!current) socket.end();
  });
  // A connection broken by the client is not an error here; "close" follows.
  socket.on("error", () => {});
  socket.on("close", () => {
    disconnected.abort();
    log.closed();
  });
  return {
    isIdle: () => !current && reader.idle,
    closeInOrder: () => {
      disconnected.abort();
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
  id: ulid(),
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
