/**
 * Tests the listeners' addresses: do they belong to this machine, are they free, and how long are certificates valid?
 */
import { createServer } from "node:net";
import { certificatesIn, lifeOf } from "../../../settings/files/certificates.ts";
import type { Settings } from "../../../settings/schema/schema.ts";
import type { Bind } from "../../../settings/schema/units.ts";
import type { Row } from "./row.ts";
import { readSmallFile } from "../../../common/small-file/small-file.ts";
import { faultInWords } from "../../../common/system-error.ts";

export const listenerRows = ({ listeners, upstreams, admin }: Settings): Promise<Row[]> =>
  Promise.all(
    [
      ...listeners,
      ...Object.entries(upstreams).flatMap(([name, { callbacks }]) =>
        callbacks ? [{ name: `callbacks:${name}`, ...callbacks }] : [],
      ),
      ...(admin ? [{ name: "admin", ...admin }] : []),
      ...probesOf(admin),
    ].map(async ({ name, bind, tls }): Promise<Row> => {
      const at = `${bind.host.includes(":") ? `[${bind.host}]` : bind.host}:${bind.port}`;
      const taken = await whyNotFree(bind);
      const certificate = tls === "none" ? { isDue: false, says: "without TLS" } : await validity(tls.cert);
      if (taken?.code === "EADDRINUSE")
        return {
          name,
          state: certificate.isDue ? "warn" : "note",
          says: [`${at} is in use, which is normal while this gateway or its socket unit runs`, certificate.says],
        };
      return taken === undefined
        ? { name, state: certificate.isDue ? "warn" : "ok", says: [`${at} is free, ${certificate.says}`] }
        : { name, state: "fail", says: [`${faultInWords(taken)}`] };
    }),
  );

const probesOf = (admin: Settings["admin"]) =>
  admin?.probes ? [{ name: "probes", ...admin.probes, tls: "none" as const }] : [];

/** Undefined when the address is free. */
const whyNotFree = ({ host, port }: Bind): Promise<NodeJS.ErrnoException | undefined> =>
  new Promise((resolve) => {
    const server = createServer().once("error", resolve);
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });

/** `isDue`: the certificate has expired, or expires soon by the rules of `check`. */
const validity = async (file: string): Promise<{ readonly isDue: boolean; readonly says: string }> => {
  const [own] = [certificatesIn(await readSmallFile(file))].flat();
  if (typeof own !== "object") return { isDue: true, says: `certificate ${file} is malformed` };
  // An expired certificate is an error of the file, and then nothing is tested.
  const { state, to } = lifeOf(own, Date.now());
  return {
    isDue: state !== "valid",
    says: `certificate valid until ${to.toISOString().slice(0, 16)}Z; a running gateway loads a new file`,
  };
};
