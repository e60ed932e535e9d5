import { X509Certificate } from "node:crypto";
import { chmod, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { connect } from "node:tls";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { aReloadingGateway, policy, type Reloading } from "../kit/reloading.ts";
import { rawClient } from "../kit/raw-client.ts";
import { rawOcs, type RawOcs } from "../kit/raw-ocs.ts";

let ocs: RawOcs;
let world: Reloading;

beforeEach(async () => {
  ocs = await rawOcs();
  world = await aReloadingGateway(policy(ocs.url, "grant"));
});
afterEach(async () => {
  vi.useRealTimers();
  await world.gateway.stop();
  await ocs.close();
});

const path = (name: string): string => join(world.gateway.dir, name);

/** The serial number of the certificate that a new connection gets. */
const shown = (): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(
      { port: world.securePort, host: "127.0.0.1", servername: "localhost", ca: world.authority.certPem },
      () => {
        resolve(socket.getPeerCertificate().serialNumber);
        socket.destroy();
      },
    ).once("error", reject);
  });
const outcome = async (): Promise<string> => {
  const reloaded = await world.gateway.gateway.reload();
  return reloaded.outcome === "refused" ? reloaded.problems.map(({ code }) => code).join() : reloaded.outcome;
};

describe("a reload of a listener's certificate", () => {
  it("takes effect for new connections and keeps the open ones", async () => {
    const client = await rawClient(world.securePort, { ca: world.authority.certPem });
    const before = await shown();
    const renewed = new X509Certificate(await world.renew()).serialNumber;
    expect(await shown()).toBe(before);
    expect(await outcome()).toBe("reloaded");
    expect([await shown(), renewed === before]).toEqual([renewed, false]);
    await client.send("GET /campaigngroups HTTP/1.1\r\nHost: localhost\r\n\r\n");
    expect((await client.reply()).status).toBe(401);
    client.close();
  });

  const pair = () => world.authority.issue({ names: ["localhost"], usage: "serverAuth" });
  it.each<[string, () => Promise<unknown>, RegExp]>([
    [
      "a certificate whose key is still the old one",
      () => writeFile(path("server.crt"), pair().certPem),
      /^OCSGW-6263$/,
    ],
    [
      "a certificate that is written only half",
      async () => writeFile(path("server.crt"), (await readFile(path("server.crt"), "utf8")).slice(0, 200)),
      /^OCSGW-6261$/,
    ],
    ["a certificate that was deleted", () => rm(path("server.crt")), /^OCSGW-6252$/],
    ["a certificate whose key file is empty", () => writeFile(path("server.key"), ""), /^OCSGW-6262$/],
    ["a certificate whose key other users may read", () => chmod(path("server.key"), 0o644), /^OCSGW-6266$/],
    [
      "an expired certificate",
      async () => {
        vi.useFakeTimers({ now: Date.now() - 40 * 86_400_000, toFake: ["Date"] });
        const { certPem, keyPem } = pair();
        vi.useRealTimers();
        await writeFile(path("server.crt"), certPem);
        await writeFile(path("server.key"), keyPem);
      },
      /^OCSGW-6265$/,
    ],
  ])("rejects %s with its code and keeps the old one", async (_what, spoil, code) => {
    const before = await shown();
    await spoil();
    expect(await outcome()).toMatch(code);
    vi.useRealTimers();
    expect(await shown()).toBe(before);
  });
});
