/** A request of Node's server as an Arrival: raw header lines, a body that is read on demand and bounded, and the client's hanging up. */
import { IncomingMessage, type ServerResponse } from "node:http";
import { BodyFault, headerOf, type Arrival, type Fault, type HeaderLine, type Peer } from "../message.ts";
import type { Connection } from "./connection.ts";
import { ulid } from "./ulid.ts";

/** What the listener's server makes of each request. */
export class Arriving extends IncomingMessage {
  arrival: ClientArrival | undefined = undefined;
}

export const headerLines = (raw: readonly string[]): HeaderLine[] => {
  const lines: HeaderLine[] = [];
  for (let index = 0; index < raw.length; index += 2) lines.push([raw[index]!, raw[index + 1]!]);
  return lines;
};

/** Milliseconds that a refused request has for what is still to come of its body. */
const REST_MS = 1000;

type Taken = {
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
  #isTaken = false;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    { connection, source, headers, fault, peer, listener, maxBody }: Taken,
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
    // Most bodies come with their head, and then there is nothing to wait for.
    this.#isTaken = this.#isHere();
    return this.#isTaken
      ? wholeBody(this.#request, this.#maxBody)
      : comingBody(this.#request, {
          max: this.#maxBody,
          connection: this.connection,
          expected: () => this.#continue(),
        });
  }

  /** Not a byte of it is still to come. */
  get isWhole(): boolean {
    return this.#isTaken || this.#isHere();
  }

  /** Waits a moment for what is still to come, and says whether that was all. Who expects to be told to go on sends nothing. */
  async rest(): Promise<boolean> {
    if (headerOf(this.headers, "Expect") === undefined) await ending(this.#request, this.connection);
    return this.#request.complete;
  }

  get peerNow(): ClientArrival["connection"]["peerNow"] {
    return this.connection.peerNow;
  }

  surplus(): Promise<boolean> {
    return this.connection.surplus();
  }

  // Made when someone waits for it: most requests never do.
  get gone(): AbortSignal {
    return (this.#gone ??= hangUpOf(this.#response, this.connection));
  }

  /** Node says that a request is complete only after it has given out its last bytes, which is when most are asked for. Who expects to be told to go on is told so. */
  #isHere(): boolean {
    const { complete, readableLength } = this.#request;
    return (
      complete ||
      (readableLength > 0 &&
        readableLength === Number(headerOf(this.headers, "Content-Length")) &&
        headerOf(this.headers, "Expect") === undefined)
    );
  }

  /** Only now, after policy, may a client that waits for it send its body. */
  #continue(): void {
    if (headerOf(this.headers, "Expect") !== undefined) this.#response.writeContinue();
  }
}

const ending = async (request: IncomingMessage, connection: Connection): Promise<void> => {
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
    connection.onGone(() => gone.abort()),
  );
  return gone.signal;
};

/** Its reason is an error with a stack: one for all. */
const GONE = AbortSignal.abort();

/** Bytes of which no request could be made. */
export const brokenArrival = (source: string, listener: string, fault: Fault): Arrival => ({
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
const TRAILERS: Fault = { kind: "ambiguous", detail: "trailers behind the body" };
const NOTHING = Buffer.alloc(0);

const wholeBody = (request: IncomingMessage, max: number): Promise<Uint8Array> => {
  const bytes = (request.read() as Buffer | null) ?? NOTHING;
  if (bytes.length > max) return Promise.reject(new BodyFault(tooLarge(max)));
  if (request.rawTrailers.length > 0) return Promise.reject(new BodyFault(TRAILERS));
  return Promise.resolve(bytes);
};

type Coming = {
  readonly max: number;
  readonly connection: Connection;
  /** Called when the body is listened for. */ readonly expected: () => void;
};

const comingBody = (request: IncomingMessage, { max, connection, expected }: Coming): Promise<Uint8Array> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    let stop = (): void => undefined;
    const fail = (fault: Fault): void => {
      stop();
      request.off("data", take).off("end", finish).off("close", cut).resume();
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
      request.off("close", cut);
      resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
    };
    const cut = (): void => fail({ kind: "wrong-length", detail: "the connection ended before the body did" });
    request
      .on("data", take)
      .once("end", finish)
      .once("close", cut)
      .once("error", () => undefined);
    // A fault behind a whole body is not this request's.
    stop = connection.onFault((fault) => request.complete || fail(fault));
    expected();
  });
