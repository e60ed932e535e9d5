/** What the gateway would listen on: is the address this machine's, is it free, and how long do its certificates last? */
import { createServer } from "node:net";
import { certificatesIn } from "../../settings/certificates.ts";
import type { Settings } from "../../settings/schema.ts";
import type { Bind } from "../../settings/units.ts";
import type { Row } from "./row.ts";
import { readSmallFile } from "../../small-file.ts";
import { faultInWords } from "../../system-error.ts";

const DAY_MS = 86_400_000;

export const listenerRows = ({ listeners, admin }: Settings): Promise<Row[]> =>
  Promise.all([...listeners, ...(admin ? [{ name: "admin", ...admin }] : []), ...probesOf(admin)].map(async ({ name, bind, tls }): Promise<Row> => {
    const at = `${bind.host.includes(":") ? `[${bind.host}]` : bind.host}:${bind.port}`;
    const taken = await whyNotFree(bind);
    const certificate = tls === "none" ? "without TLS" : await lasting(tls.cert);
    if (taken?.code === "EADDRINUSE") return { name, state: "note", says: [`${at} is in use: by this gateway or its socket unit, if they run`, certificate] };
    return taken === undefined ? { name, state: "ok", says: [`${at} is free, ${certificate}`] } : { name, state: "fail", says: [`${faultInWords(taken)}`] };
  }));

const probesOf = (admin: Settings["admin"]) => (admin?.probes ? [{ name: "probes", ...admin.probes, tls: "none" as const }] : []);

/** Undefined when it can be listened on. */
const whyNotFree = ({ host, port }: Bind): Promise<NodeJS.ErrnoException | undefined> =>
  new Promise((resolve) => {
    const server = createServer().once("error", resolve);
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });

const lasting = async (file: string): Promise<string> => {
  const [own] = [certificatesIn(await readSmallFile(file))].flat();
  const days = typeof own === "object" ? Math.floor((own.validToDate.getTime() - Date.now()) / DAY_MS) : 0;
  return `certificate valid ${days} more day${days === 1 ? "" : "s"}; a running gateway picks up a new file`;
};
