/**
 * A file that the config names is replaced by a FIFO, a directory, a device or a huge file: the gateway rejects the
 * reload and serves requests meanwhile.
 */
import { execFileSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdir, rename, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { keepReloading } from "../../../src/cli/run.ts";
import { createAuthority } from "../../../src/sandbox/server/certificates.ts";
import { aGateway, type TestGateway } from "../../kit/gateway.ts";
import { policy, steadyClient } from "../../kit/reloading.ts";
import { rawOcs, type RawOcs } from "../../kit/raw-ocs.ts";

let ocs: RawOcs;
let gateway: TestGateway;
let stopWatching: () => Promise<void>;
const path = (name: string): string => join(gateway.dir, name);

beforeAll(async () => {
  ocs = await rawOcs();
  const base = policy(ocs.url, "grant");
  const authority = createAuthority("odd files");
  const { certPem, keyPem } = authority.issue({ names: ["localhost"], usage: "serverAuth" });
  const jwk = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ format: "jwk" });
  const config = {
    ...base,
    listeners: [
      { name: "clients", bind: "127.0.0.1:0", tls: "none" },
      { name: "secure", bind: "127.0.0.1:0", tls: { cert: "server.crt", key: "server.key", client_ca: "ca.crt" } },
    ],
    identity: {
      keys: { file: "keys.yaml" },
      jwt: [
        {
          name: "corp",
          issuer: "https://idp.test/",
          audience: "ocs-gateway",
          jwks_file: "jwks.json",
          algorithms: ["ES256"],
        },
      ],
    },
    audit: { ...(base["audit"] as object), index_key: "${file:index.key}" },
    config: { watch: "all" },
  };
  gateway = await aGateway(config, ["alpha", "beta", "mixer"], {
    "server.crt": certPem,
    "server.key": keyPem,
    "ca.crt": authority.certPem,
    "jwks.json": JSON.stringify({ keys: [{ ...jwk, kid: "one", alg: "ES256", use: "sig" }] }),
    "index.key": "an index key for tests only, of 32 and more\n",
  });
  stopWatching = await keepReloading(gateway.gateway);
});
afterAll(async () => {
  await stopWatching();
  await gateway.stop();
  await ocs.close();
});

const ODD: readonly (readonly [what: string, make: (at: string) => unknown, says: string])[] = [
  ["a FIFO", (at) => execFileSync("mkfifo", [at]), "it is a FIFO and not a regular file"],
  ["a directory", (at) => mkdir(at), "it is a directory"],
  ["an endless device", (at) => symlink("/dev/zero", at), "it is a device and not a regular file"],
  [
    "a file of 10 GiB",
    (at) => writeFile(at, "").then(() => truncate(at, 10 * 2 ** 30)),
    "it has 10 GiB; at most 64 MiB are read",
  ],
];
const FILES = ["ocsgw.yaml", "keys.yaml", "server.crt", "server.key", "ca.crt", "jwks.json", "index.key"] as const;

describe.each(FILES)("a reload that finds in the place of %s", (name) => {
  it.each(ODD)("%s is rejected, and requests are served meanwhile", async (_what, make, says) => {
    const before = gateway.gateway.configHash;
    await rename(path(name), path("kept"));
    let over = false;
    const faults: string[] = [];
    const served = steadyClient(gateway.port, "alpha", () => over, faults);
    try {
      await make(path(name));
      const reloaded = await gateway.gateway.reload();
      expect(reloaded).toMatchObject({
        outcome: "refused",
        problems: expect.arrayContaining([
          expect.objectContaining({ message: expect.stringContaining(says) as string }),
        ]) as object,
      });
      expect(gateway.gateway.configHash).toBe(before);
    } finally {
      over = true;
      expect([(await served) > 0, faults]).toEqual([true, []]);
      await rm(path(name), { recursive: true });
      await rename(path("kept"), path(name));
    }
    await vi.waitFor(async () => expect((await gateway.gateway.reload()).outcome).toBe("unchanged"), {
      timeout: 5000,
      interval: 50,
    });
  });
});
