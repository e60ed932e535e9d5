/**
 * The HTTP server of a witness: `POST /add-checkpoint`, with limits for bodies, headers and times. Plain HTTP, because
 * cosignatures prove themselves; put a reverse proxy in front for TLS.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Witness } from "./witness.ts";

/** A checkpoint has some hundred bytes, a proof up to 63 lines of 45, an ML-DSA-44 signature 3,500. */
const MAX_BYTES = 64 << 10;
const MAX_CONNECTIONS = 256;
const REQUEST_MS = 15_000;
const IDLE_MS = 120_000;

export type Bind = { readonly host: string; readonly port: number };

export type WitnessServer = {
  /** http://host:port */
  readonly address: string;
  readonly stop: () => Promise<void>;
};

export const startWitnessServer = async (witness: Witness, { host, port }: Bind): Promise<WitnessServer> => {
  const server = createServer(
    {
      headersTimeout: REQUEST_MS,
      requestTimeout: REQUEST_MS,
      connectionsCheckingInterval: 1000,
      keepAliveTimeout: IDLE_MS,
      maxHeaderSize: 8192,
    },
    (request, response) => void answer(witness, request, response),
  );
  server.maxConnections = MAX_CONNECTIONS;
  server.listen(port, host);
  await once(server, "listening");
  const { address, port: own, family } = server.address() as AddressInfo;
  return {
    address: `http://${family === "IPv6" ? `[${address}]` : address}:${own}`,
    stop: async () => {
      const closed = once(server.close(), "close");
      server.closeIdleConnections();
      setTimeout(() => server.closeAllConnections(), 1000).unref();
      await closed;
    },
  };
};

type HttpAnswer = {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  readonly allow?: string;
  readonly close?: boolean;
};

const TEXT = "text/plain; charset=utf-8";

const answer = async (witness: Witness, request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const reply = await decide(witness, request).catch((): HttpAnswer => ({
    status: 400,
    type: TEXT,
    text: "the request is incomplete\n",
    close: true,
  }));
  response
    .writeHead(reply.status, {
      "Content-Type": reply.type,
      "Content-Length": Buffer.byteLength(reply.text),
      "Cache-Control": "no-store",
      ...(reply.allow !== undefined && { Allow: reply.allow }),
      ...(reply.close && { Connection: "close" }),
    })
    .end(reply.text);
};

const decide = async (witness: Witness, request: IncomingMessage): Promise<HttpAnswer> => {
  const [path] = (request.url ?? "").split("?");
  if (path !== "/add-checkpoint")
    return { status: 404, type: TEXT, text: "not found; this witness serves /add-checkpoint only\n", close: true };
  if (request.method !== "POST")
    return { status: 405, type: TEXT, text: "expected POST\n", allow: "POST", close: true };
  const body = await bodyOf(request);
  return body
    ? witness.add(body)
    : { status: 413, type: TEXT, text: `the body is larger than ${MAX_BYTES} bytes\n`, close: true };
};

/** Undefined for a body that is too large; the rest of it is not read. */
const bodyOf = async (request: IncomingMessage): Promise<Buffer | undefined> => {
  if (Number(request.headers["content-length"] ?? 0) > MAX_BYTES) return undefined;
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
};
