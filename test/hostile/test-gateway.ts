/** Where it happens: a whole gateway with a plain and a TLS listener, in front of an OCS that records every byte. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAuthority } from "../../src/sandbox/server/certificates.ts";
import { aGateway, twoTenants, type TestGateway } from "../kit/gateway.ts";
import { RecordingOcs } from "../kit/recording-ocs.ts";
import { Wire } from "./wire.ts";

export type Field = {
  readonly ports: { readonly plain: number; readonly tls: number };
  /** PEM. */
  readonly ca: string;
  readonly wire: Wire;
  readonly gateway: TestGateway;
  readonly close: () => Promise<void>;
};

export const aField = async (): Promise<Field> => {
  const authority = createAuthority("hostile");
  const { certPem, keyPem } = authority.issue({ names: ["localhost", "127.0.0.1"], usage: "serverAuth" });
  const dir = await mkdtemp(join(tmpdir(), "ocsgw-hostile-"));
  const [cert, key] = [join(dir, "server.crt"), join(dir, "server.key")];
  await Promise.all([writeFile(cert, certPem), writeFile(key, keyPem, { mode: 0o600 })]);
  const ocs = await RecordingOcs.start("ocs", () => 1);
  const wire = new Wire();
  ocs.tap = wire.tap;
  const gateway = await aGateway(config(ocs.url("primary"), { cert, key }));
  const [plain = 0, tls = 0] = gateway.gateway.listeners.map(({ url }) => Number(new URL(url).port));
  return {
    ports: { plain, tls },
    ca: authority.certPem,
    wire,
    gateway,
    close: async () => {
      await gateway.stop();
      await ocs.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
};

const config = (
  primary: string,
  pair: { readonly cert: string; readonly key: string },
): ReturnType<typeof twoTenants> => {
  const base = twoTenants(primary);
  const bind = "127.0.0.1:0";
  return {
    ...base,
    listeners: [
      { name: "plain", bind, tls: "none" },
      { name: "tls", bind, tls: pair },
    ],
    // Lanes enough that the pause after a negative answer does not hold up the second clients.
    upstreams: { ocs: { primary, connections: 32, aliases: ["ocs.us.int.genesyslab.com:8080"] } },
  };
};
