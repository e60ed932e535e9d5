/** The least that a gateway on Node can do: `node pass-through.ts <origin>`, Node's server and undici's dispatch, body and headers as they came. */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Pool } from "undici";

const pool = new Pool(process.argv[2]!, { connections: 64, pipelining: 1, allowH2: false });
const HOP_BY_HOP = new Set(["connection", "content-length", "transfer-encoding", "keep-alive", "host"]);

const endToEnd = (raw: readonly string[]): string[] => raw.flatMap((name, index) => (index % 2 === 0 && !HOP_BY_HOP.has(name.toLowerCase()) ? [name, raw[index + 1]!] : []));

const handlerFor = (response: ServerResponse) => ({
  onRequestStart: () => undefined,
  onResponseStart: (_controller: unknown, status: number, headers: Record<string, string | string[] | undefined>) => void response.writeHead(status, headers),
  onResponseData: (_controller: unknown, chunk: Uint8Array) => void response.write(chunk),
  onResponseEnd: () => void response.end(),
  onResponseError: (_controller: unknown, error: Error) => void response.destroy(error),
});

const server = createServer({ keepAliveTimeout: 0 }, (request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk)).on("end", () =>
    pool.dispatch({ method: request.method!, path: request.url!, headers: endToEnd(request.rawHeaders), body: Buffer.concat(chunks) }, handlerFor(response)));
});
server.listen(0, "127.0.0.1", () => process.send!((server.address() as AddressInfo).port));
process.on("disconnect", () => process.exit());
