/**
 * The least that a gateway on Node can do: `node pass-through.ts <origin> [<ca> <certificate> <key>]`, Node's server
 * and undici's dispatch, body and headers as they came. With the PEM files it speaks TLS on both sides.
 */
import { readFileSync } from "node:fs";
import { createServer, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { Pool } from "undici";

const [origin, ca, cert, key] = process.argv.slice(2);
/** Milliseconds. The other peers keep their idle connections for an hour too. */
const KEPT = 3_600_000;
const pool = new Pool(origin!, {
  connections: 64,
  pipelining: 1,
  allowH2: false,
  keepAliveTimeout: KEPT,
  keepAliveMaxTimeout: KEPT,
  ...(ca !== undefined && { connect: { ca: readFileSync(ca) } }),
});
const HOP_BY_HOP = new Set(["connection", "content-length", "transfer-encoding", "keep-alive", "host"]);

const endToEnd = (raw: readonly string[]): string[] =>
  raw.flatMap((name, index) => (index % 2 === 0 && !HOP_BY_HOP.has(name.toLowerCase()) ? [name, raw[index + 1]!] : []));

const handlerFor = (response: ServerResponse) => ({
  onRequestStart: () => undefined,
  onResponseStart: (_controller: unknown, status: number, headers: Record<string, string | string[] | undefined>) =>
    void response.writeHead(status, headers),
  onResponseData: (_controller: unknown, chunk: Uint8Array) => void response.write(chunk),
  onResponseEnd: () => void response.end(),
  onResponseError: (_controller: unknown, error: Error) => void response.destroy(error),
});

const passOn: RequestListener = (request, response) => {
  const chunks: Buffer[] = [];
  request
    .on("data", (chunk: Buffer) => chunks.push(chunk))
    .on("end", () =>
      pool.dispatch(
        {
          method: request.method!,
          path: request.url!,
          headers: endToEnd(request.rawHeaders),
          body: Buffer.concat(chunks),
        },
        handlerFor(response),
      ),
    );
};

const options = { keepAliveTimeout: 0 };
const server =
  cert === undefined || key === undefined
    ? createServer(options, passOn)
    : createTlsServer({ ...options, cert: readFileSync(cert), key: readFileSync(key) }, passOn);
server.listen(0, "127.0.0.1", () => process.send!((server.address() as AddressInfo).port));
process.on("disconnect", () => process.exit());
