/** A request of Node's server as an Arrival: raw header lines, a body that is read on demand and bounded, and the client's hanging up. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { BodyFault, type Arrival, type Fault, type HeaderLine } from "../message.ts";
import type { Connection } from "./connection.ts";
import { ulid } from "./ulid.ts";

export type Where = { readonly listener: string; readonly maxBody: number };

export const headerLines = (raw: readonly string[]): HeaderLine[] => {
  const lines: HeaderLine[] = [];
  for (let index = 0; index < raw.length; index += 2) lines.push([raw[index]!, raw[index + 1]!]);
  return lines;
};

export const arrivalOf = (
  request: IncomingMessage, response: ServerResponse, connection: Connection, where: Where, headers: readonly HeaderLine[], fault: Fault | undefined,
): Arrival => {
  let signal: AbortSignal | undefined;
  return {
    id: ulid(),
    at: performance.now(),
    method: request.method ?? "",
    target: request.url ?? "",
    headers,
    source: request.socket.remoteAddress ?? "",
    listener: where.listener,
    ...(fault && { fault }),
    body: () => readBody(request, response, connection, where.maxBody),
    surplus: () => connection.surplus(),
    // Made when someone waits for it: most requests never do.
    get gone() {
      return (signal ??= hangUpOf(response, connection));
    },
  };
};

const hangUpOf = (response: ServerResponse, connection: Connection): AbortSignal => {
  const gone = new AbortController();
  response.once("close", connection.onGone(() => gone.abort()));
  return gone.signal;
};

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
  gone: AbortSignal.abort(),
});

const readBody = (request: IncomingMessage, response: ServerResponse, connection: Connection, max: number): Promise<Uint8Array> =>
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
      if (length > max) fail({ kind: "body-too-large", detail: `the body is larger than ${max} bytes` });
      else chunks.push(chunk);
    };
    const finish = (): void => {
      if (request.rawTrailers.length > 0) return fail({ kind: "ambiguous", detail: "trailers behind the body" });
      stop();
      request.off("close", cut);
      resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
    };
    const cut = (): void => fail({ kind: "wrong-length", detail: "the connection ended before the body did" });
    request.on("data", take).once("end", finish).once("close", cut).once("error", () => undefined);
    // A fault behind a whole body is not this request's.
    stop = connection.onFault((fault) => request.complete || fail(fault));
    // Only now, after policy, may a client that waits for it send its body.
    if (request.headers.expect !== undefined) response.writeContinue();
  });
