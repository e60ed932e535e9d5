/** What the gateway would listen on: is the address this machine's, is it free, and how long do its certificates last? */
import { createServer } from "node:net";
import { certificatesIn, lifeOf } from "../../settings/certificates.ts";
import type { Settings } from "../../settings/schema.ts";
import type { Bind } from "../../settings/units.ts";
import type { Row } from "./row.ts";
import { readSmallFile } from "../../small-file.ts";
import { faultInWords } from "../../system-error.ts";

export const listenerRows = ({ listeners, admin }: Settings): Promise<Row[]> =>
  Promise.all(
    [...listeners, ...(admin ? [{ name: "admin", ...admin }] : []), ...probesOf(admin)].map(
      async ({ name, bind, tls }): Promise<Row> => {
        const at = `${bind.host.includes(":") ? `[${bind.host}]` : bind.host}:${bind.port}`;
        const taken = await whyNotFree(bind);
        const certificate = tls === "none" ? { isDue: false, says: "without TLS" } : await lasting(tls.cert);
        if (taken?.code === "EADDRINUSE")
          return {
            name,
            state: certificate.isDue ? "warn" : "note",
            says: [`${at} is in use: by this gateway or its socket unit, if they run`, certificate.says],
          };
        return taken === undefined
          ? { name, state: certificate.isDue ? "warn" : "ok", says: [`${at} is free, ${certificate.says}`] }
          : { name, state: "fail", says: [`${faultInWords(taken)}`] };
      },
    ),
  );

const probesOf = (admin: Settings["admin"]) =>
  admin?.probes ? [{ name: "probes", ...admin.probes, tls: "none" as const }] : [];

/** Undefined when it can be listened on. */
const whyNotFree = ({ host, port }: Bind): Promise<NodeJS.ErrnoException | undefined> =>
  new Promise((resolve) => {
    const server = createServer().once("error", resolve);
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });

/** `isDue`: it has expired, or expires soon, as `check` has it. */
const lasting = async (file: string): Promise<{ readonly isDue: boolean; readonly says: string }> => {
  const [own] = [certificatesIn(await readSmallFile(file))].flat();
  if (typeof own !== "object") return { isDue: true, says: `certificate ${file} cannot be read` };
  const { state, to } = lifeOf(own, Date.now());
  return {
    isDue: state !== "fine",
    says: `certificate valid until ${to.toISOString().slice(0, 16)}Z; a running gateway picks up a new file`,
  };
};
