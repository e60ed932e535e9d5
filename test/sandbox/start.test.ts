import { createServer, type AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { createAuthority } from "../../src/sandbox/server/certificates.ts";
import { startSandboxOcs, type SandboxOcs } from "../../src/sandbox/start.ts";
import { open, request } from "./server/raw-client.ts";

const started: SandboxOcs[] = [];
const start = async (options?: Parameters<typeof startSandboxOcs>[0]): Promise<SandboxOcs> => {
  const ocs = await startSandboxOcs(options);
  started.push(ocs);
  return ocs;
};
afterEach(async () => {
  await Promise.all(started.splice(0).map((ocs) => ocs.close()));
});

describe("the sandbox", () => {
  it("listens on five free ports", async () => {
    const ocs = await start();
    const ports = [ocs.primary.http, ocs.primary.https, ocs.backup.http, ocs.backup.https, ocs.control].map(
      (url) => new URL(url).port,
    );
    expect(new Set(ports).size).toBe(5);
    expect(ocs.control).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/sandbox$/);
  });

  it("runs together with another sandbox in the same process", async () => {
    const [first, second] = [await start(), await start()];
    await fetch(`${first.primary.http}/records/15?req=RecordProcessed`, { method: "POST" });
    expect([first.counters().primary.requests, second.counters().primary.requests]).toEqual([1, 0]);
  });

  it("serves TLS with the given certificate", async () => {
    const authority = createAuthority("Given CA");
    const { certPem, keyPem } = authority.issue({ names: ["127.0.0.1"], usage: "serverAuth" });
    const ocs = await start({ certificates: { cert: certPem, key: keyPem } });
    expect(ocs.ca).toBeUndefined();
    const client = await open(ocs.primary.https, authority.certPem);
    client.send(request("/campaigngroups", { method: "GET" }));
    expect((await client.answer()).head).toContain("200 OK");
    client.socket.destroy();
  });

  it("reports that a port is in use, and leaves nothing open", async () => {
    const taken = createServer();
    const port = await new Promise<number>((resolve) => {
      taken.listen(0, "127.0.0.1", () => {
        resolve((taken.address() as AddressInfo).port);
      });
    });
    const free = new URL((await start()).primary.http).port;
    await started.pop()!.close();
    await expect(startSandboxOcs({ ports: { primary: Number(free), backup: port } })).rejects.toThrow("EADDRINUSE");
    await new Promise((resolve) => {
      taken.close(resolve);
    });
    await expect(open(`http://127.0.0.1:${free}`)).rejects.toThrow("ECONNREFUSED");
  });

  it("closes with open connections and requests in progress", async () => {
    const ocs = await startSandboxOcs();
    await fetch(`${ocs.control}/delay`, { method: "POST", body: '{"ms":60000}' });
    const client = await open(ocs.primary.http);
    client.send(request("/campaigngroups/106?req=Load"));
    await expect.poll(() => ocs.counters().primary.requests, { timeout: 10_000 }).toBe(1);
    await ocs.close();
    expect(["closed", "ECONNRESET"]).toContain(await client.end);
    await expect(open(ocs.primary.http)).rejects.toThrow("ECONNREFUSED");
  });
});
