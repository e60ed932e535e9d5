/**
 * A witness at an address: `POST /add-checkpoint`. Bodies, headers and times are limited. It speaks plain HTTP:
 * every answer is signed, and who wants TLS puts a reverse proxy in front.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Witness } from "./witness.ts";

/**
 * A checkpoint has some hundred bytes, a proof at most 63 lines of 45, a signature of ML-DSA-44 three and a half
 * thousand.
 */
const MOST_BYTES = 64 << 10;
const MOST_CONNECTIONS = 256;
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
  server.maxConnections = MOST_CONNECTIONS;
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

type Said = {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  readonly allow?: string;
  readonly ends?: boolean;
};

const TEXT = "text/plain; charset=utf-8";

const answer = async (witness: Witness, request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const said = await decide(witness, request).catch((): Said => ({
    status: 400,
    type: TEXT,
    text: "the request was cut off\n",
    ends: true,
  }));
  response
    .writeHead(said.status, {
      "Content-Type": said.type,
      "Content-Length": Buffer.byteLength(said.text),
      "Cache-Control": "no-store",
      ...(said.allow !== undefined && { Allow: said.allow }),
      ...(said.ends && { Connection: "close" }),
    })
    .end(said.text);
};

const decide = async (witness: Witness, request: IncomingMessage): Promise<Said> => {
  const [path] = (request.url ?? "").split("?");
  if (path !== "/add-checkpoint")
    return { status: 404, type: TEXT, text: "this witness has /add-checkpoint only\n", ends: true };
  if (request.method !== "POST")
    return { status: 405, type: TEXT, text: "add-checkpoint is a POST\n", allow: "POST", ends: true };
  const body = await bodyOf(request);
  return body
    ? witness.add(body)
    : { status: 413, type: TEXT, text: `a body has at most ${MOST_BYTES} bytes\n`, ends: true };
};

/** Undefined when it is too large: no more of it is read then. */
const bodyOf = async (request: IncomingMessage): Promise<Buffer | undefined> => {
  if (Number(request.headers["content-length"] ?? 0) > MOST_BYTES) return undefined;
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MOST_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
};
