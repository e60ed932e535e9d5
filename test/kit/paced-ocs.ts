/**
 * An OCS over HTTPS on a thread of its own, so that its work does not delay the gateway: it takes some milliseconds for
 * each request, and counts.
 */
import { createServer, type TLSSocket } from "node:tls";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { createAuthority } from "../../src/sandbox/server/certificates.ts";

export type Counts = { readonly requests: number; readonly connections: number };
export type PacedOcs = {
  readonly origin: string;
  readonly ca: string;
  readonly counts: () => Promise<Counts>;
  readonly close: () => Promise<unknown>;
};

type Started = { readonly certPem: string; readonly keyPem: string; readonly ms: number };

const ANSWER = "HTTP/1.1 200 OK\r\nServer: OCS/8.1.524.04\r\nContent-length: 0\r\n\r\n";

/** `connections` are those that carried a request. */
export const pacedOcs = async (ms: number): Promise<PacedOcs> => {
  const authority = createAuthority("OCS's authority");
  const workerData: Started = { ...authority.issue({ names: ["127.0.0.1"], usage: "serverAuth" }), ms };
  const worker = new Worker(new URL(import.meta.url), { workerData });
  const heard = <Of>(): Promise<Of> =>
    new Promise((resolve, reject) => {
      worker.once("error", reject);
      worker.once("message", (message: Of) => {
        worker.off("error", reject);
        resolve(message);
      });
    });
  const port = await heard<number>();
  return {
    origin: `https://127.0.0.1:${port}`,
    ca: authority.certPem,
    counts: () => {
      const counts = heard<Counts>();
      worker.postMessage("counts");
      return counts;
    },
    close: () => worker.terminate(),
  };
};

const serve = ({ certPem, keyPem, ms }: Started): void => {
  let requests = 0;
  let connections = 0;
  const answer = (socket: TLSSocket): void => void (socket.writable && socket.write(ANSWER, "latin1"));
  const server = createServer({ cert: certPem, key: keyPem, noDelay: true, ALPNProtocols: ["http/1.1"] }, (socket) => {
    let pending = "";
    let isCounted = false;
    socket
      .on("error", () => undefined)
      .on("data", (bytes: Buffer) => {
        pending += bytes.toString("latin1");
        const end = pending.indexOf("\r\n\r\n");
        if (end < 0 || pending.length < end + 4 + Number(/content-length: (\d+)/i.exec(pending)?.[1] ?? 0)) return;
        pending = "";
        requests++;
        if (!isCounted) connections++;
        isCounted = true;
        if (ms === 0) answer(socket);
        else setTimeout(answer, ms, socket);
      });
  });
  server.listen(0, "127.0.0.1", () => parentPort!.postMessage((server.address() as { port: number }).port));
  parentPort!.on("message", () => parentPort!.postMessage({ requests, connections } satisfies Counts));
};

if (!isMainThread && (workerData as Partial<Started> | undefined)?.certPem !== undefined) serve(workerData as Started);
