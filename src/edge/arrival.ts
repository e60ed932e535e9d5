/** Converts a request of Node's server to an Arrival: raw headers, a bounded body read on demand, disconnects. */
import { IncomingMessage, type ServerResponse } from "node:http";
import {
  BodyFault,
  headerOf,
  type Arrival,
  type Fault,
  type HeaderLine,
  type Peer,
  type TraceContext,
} from "../common/message.ts";
import type { Connection } from "./connection.ts";
import { traceContextOf } from "../common/trace-context.ts";
import { ulid } from "../common/ulid.ts";

/** The listener's server creates one of these for each request. */
export class ServerRequest extends IncomingMessage {
  arrival: ClientArrival | undefined = undefined;
}

export const headerLines = (raw: readonly string[]): HeaderLine[] => {
  const lines: HeaderLine[] = [];
  for (let index = 0; index < raw.length; index += 2) lines.push([raw[index]!, raw[index + 1]!]);
  return lines;
};

/** Milliseconds for the rest of a refused request's body to arrive. */
const REST_MS = 1000;

type ArrivalParts = {
  readonly connection: Connection;
  readonly source: string;
  readonly headers: readonly HeaderLine[];
  readonly fault: Fault | undefined;
  readonly peer: Peer | undefined;
  readonly listener: string;
  readonly maxBody: number;
};

export class ClientArrival implements Arrival {
  readonly id = ulid();
  readonly at = performance.now();
  readonly method: string;
  readonly target: string;
  readonly headers: readonly HeaderLine[];
  readonly source: string;
  readonly listener: string;
  readonly peer: Peer | undefined;
  readonly fault: Fault | undefined;
  readonly connection: Connection;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #maxBody: number;
  #gone: AbortSignal | undefined;
  #isBuffered = false;
  #trace: TraceContext | undefined;
  #isTraceRead = false;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    { connection, source, headers, fault, peer, listener, maxBody }: ArrivalParts,
  ) {
    this.method = request.method ?? "";
    this.target = request.url ?? "";
    this.headers = headers;
    this.source = source;
    this.listener = listener;
    this.peer = peer;
    this.fault = fault;
    this.connection = connection;
    this.#request = request;
    this.#response = response;
    this.#maxBody = maxBody;
  }

  body(): Promise<Uint8Array> {
    // Most bodies arrive together with their head.
    this.#isBuffered = this.#hasArrived();
    return this.#isBuffered
      ? bufferedBody(this.#request, this.#maxBody)
      : streamedBody(this.#request, {
          max: this.#maxBody,
          connection: this.connection,
          onListening: () => this.#continue(),
        });
  }

  /** True if the complete request has arrived. */
  get isWhole(): boolean {
    return this.#isBuffered || this.#hasArrived();
  }

  /**
   * Waits up to `REST_MS` for the rest of the request; resolves to true when it has arrived. A client that waits for
   * 100 sends no rest.
   */
  async restArrives(): Promise<boolean> {
    if (headerOf(this.headers, "Expect") === undefined) await restArrived(this.#request, this.connection);
    return this.#request.complete;
  }

  // Computed on demand: a request that ends in a count of refusals needs none.
  get trace(): TraceContext | undefined {
    if (!this.#isTraceRead) this.#trace = traceContextOf(this.headers);
    this.#isTraceRead = true;
    return this.#trace;
  }

  get peerNow(): ClientArrival["connection"]["peerNow"] {
    return this.connection.peerNow;
  }

  surplus(): Promise<boolean> {
    return this.connection.surplus();
  }

  // Created on demand: most requests never wait.
  get gone(): AbortSignal {
    return (this.#gone ??= hangUpOf(this.#response, this.connection));
  }

  /**
   * Node sets `complete` only after it has handed out the last bytes, so a body whose length is buffered counts too. A
   * client that expects 100-continue still gets its 100.
   */
  #hasArrived(): boolean {
    const { complete, readableLength } = this.#request;
    return (
      complete ||
      (readableLength > 0 &&
        readableLength === Number(headerOf(this.headers, "Content-Length")) &&
        headerOf(this.headers, "Expect") === undefined)
    );
  }

  /** Sends 100 Continue to a client that expects it, only after its request was authorized. */
  #continue(): void {
    if (headerOf(this.headers, "Expect") !== undefined) this.#response.writeContinue();
  }
}

const restArrived = async (request: IncomingMessage, connection: Connection): Promise<void> => {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const timer = setTimeout(resolve, REST_MS);
  const stop = connection.onFault(resolve);
  request.once("end", resolve).once("close", resolve).resume();
  await promise;
  clearTimeout(timer);
  stop();
  request.off("end", resolve).off("close", resolve);
};

const hangUpOf = (response: ServerResponse, connection: Connection): AbortSignal => {
  const gone = new AbortController();
  response.once(
    "close",
    connection.onClose(() => gone.abort()),
  );
  return gone.signal;
};

/** Shared, because each abort signal creates an error with a stack. */
const GONE = AbortSignal.abort();

/** An arrival for bytes that the parser could not read as a request. */
export const unparsedArrival = (source: string, listener: string, fault: Fault): Arrival => ({
  id: ulid(),
  at: performance.now(),
  method: "",
  target: "",
  headers: [],
  source,
  listener,
  fault,
  body: () => Promise.reject(new BodyFault(fault)),
  surplus: () => Promise.resolve(true),
  gone: GONE,
});

const tooLarge = (max: number): Fault => ({ kind: "body-too-large", detail: `the body is larger than ${max} bytes` });
const TRAILERS: Fault = { kind: "ambiguous", detail: "the request has trailers after its body" };
const NOTHING = Buffer.alloc(0);

const bufferedBody = (request: IncomingMessage, max: number): Promise<Uint8Array> => {
  const bytes = (request.read() as Buffer | null) ?? NOTHING;
  if (bytes.length > max) return Promise.reject(new BodyFault(tooLarge(max)));
  if (request.rawTrailers.length > 0) return Promise.reject(new BodyFault(TRAILERS));
  return Promise.resolve(bytes);
};

type BodyRead = {
  readonly max: number;
  readonly connection: Connection;
  /** Called when reading of the body begins. */
  readonly onListening: () => void;
};

const streamedBody = (request: IncomingMessage, { max, connection, onListening }: BodyRead): Promise<Uint8Array> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    let stop = (): void => undefined;
    const fail = (fault: Fault): void => {
      stop();
      request.off("data", take).off("end", finish).off("close", closeEarly).resume();
      reject(new BodyFault(fault));
    };
    const take = (chunk: Buffer): void => {
      length += chunk.length;
      if (length > max) fail(tooLarge(max));
      else chunks.push(chunk);
    };
    const finish = (): void => {
      if (request.rawTrailers.length > 0) return fail(TRAILERS);
      stop();
      request.off("close", closeEarly);
      resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
    };
    const closeEarly = (): void =>
      fail({ kind: "wrong-length", detail: "the connection closed before the body was complete" });
    request
      .on("data", take)
      .once("end", finish)
      .once("close", closeEarly)
      .once("error", () => undefined);
    // A fault after the complete body belongs to a later request.
    stop = connection.onFault((fault) => request.complete || fail(fault));
    onListening();
  });
