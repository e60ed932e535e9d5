/** `--nodes`: two gateways of one database, each with a journal of its own, asked from the machine of the first. */
import { readFile, readdir } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { dncOfNodes } from "../../../src/cli/audit/nodes/dnc.ts";
import { explainOnNodes } from "../../../src/cli/audit/nodes/explain.ts";
import { caseOfNodes, exportNodes } from "../../../src/cli/audit/nodes/export.ts";
import { searchNodes } from "../../../src/cli/audit/nodes/search.ts";
import type { Access } from "../../../src/journal/entry.ts";
import { startSandboxOcs, type SandboxOcs } from "../../../src/sandbox/start.ts";
import { aGateway, basic, twoTenants, type TestGateway } from "../../kit/gateway.ts";
import { describeWithPostgres, POSTGRES_URL, testSchema } from "../../kit/postgres.ts";

const NUMBER = "4155550177";
vi.mock("../../../src/cli/audit/access/person.ts", () => ({
  personFrom: ({ phoneStdin }: { phoneStdin?: boolean }) =>
    Promise.resolve(phoneStdin ? { kind: "phone", value: NUMBER } : undefined),
}));

const freePort = async (): Promise<number> => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
};

describeWithPostgres("--nodes", () => {
  let ocs: SandboxOcs;
  let a: TestGateway;
  let b: TestGateway;
  let [onA, onB] = ["", ""];
  let config = "";
  const out: string[] = [];
  const err: string[] = [];

  const call = async ({ url }: TestGateway): Promise<string> => {
    const reply = await fetch(`${url}/phones/${NUMBER}?req=DoNotCall`, {
      method: "POST",
      headers: { Authorization: basic("alpha") },
    });
    await reply.text();
    return reply.headers.get("ocsgw-request-id")!;
  };

  beforeAll(async () => {
    const { schema } = await testSchema();
    ocs = await startSandboxOcs();
    const gateway = async (node: string): Promise<TestGateway> => {
      const port = await freePort();
      return aGateway({
        ...twoTenants(ocs.primary.http),
        node,
        shared: {
          postgres: POSTGRES_URL,
          tls: "none",
          schema,
          peers: { address: `http://127.0.0.1:${port}`, common_key: "a common key for tests only, of 32 and more" },
        },
        admin: { bind: `127.0.0.1:${port}` },
      });
    };
    a = await gateway("gw-a");
    b = await gateway("gw-b");
    config = join(a.dir, "ocsgw.yaml");
    onA = await call(a);
    onB = await call(b);
    await vi.waitFor(
      async () => {
        const { nodes } = (await (await ask("/api/nodes")).json()) as { nodes: { asked: boolean }[] };
        expect(nodes.map(({ asked }) => asked)).toEqual([true, true]);
      },
      { timeout: 10_000 },
    );
  }, 60_000);
  const ask = (path: string): Promise<Response> =>
    fetch(`${a.gateway.admin!}${path}`, { headers: { Authorization: "Bearer token" } });

  beforeEach(() => {
    [out.length, err.length] = [0, 0];
    vi.spyOn(console, "log").mockImplementation((line: string) => void out.push(line));
    vi.spyOn(console, "error").mockImplementation((line: string) => void err.push(line));
  });
  afterAll(async () => {
    vi.restoreAllMocks();
    await a?.stop();
    await b?.stop();
    await ocs?.close();
  });

  it("searches the journals of all, with the name of the node before each row", async () => {
    expect(await searchNodes({ words: ["action:DoNotCall"], config })).toBe(0);
    expect(out.map((line) => line.split(" ")[0])).toEqual(["gw-b", "gw-a"]);
    expect(out[0]).toContain(onB);
    expect(await searchNodes({ words: ["statuss:1"], config })).toBe(2);
    const purpose = "ticket 42";
    expect(await searchNodes({ words: [], config, phoneStdin: true, purpose, json: true })).toBe(0);
    const found = JSON.parse(out.at(-1)!);
    expect(found.requests.map(({ id }: any) => id)).toEqual([onB, onA]);
    const looked = (await b.journal()).find((each): each is typeof each & Access => each.kind === "access");
    expect(looked).toMatchObject({ operation: "look-up", purpose, node: "gw-a" });
    expect(looked!.user).not.toBe("admin token");
  });

  it("explains a request of the other node", async () => {
    expect(await explainOnNodes({ id: onB, config })).toBe(0);
    expect(out.join("\n")).toMatch(/^on gw-b:\n.*OCS carried out the request\.$/s);
    expect(await explainOnNodes({ id: "00000000000000000000000001", config })).toBe(1);
  });

  it("lists open Do-Not-Calls, and says of each node whether its list is complete", async () => {
    expect(await dncOfNodes({ config })).toBe(0);
    expect(err).toEqual(["gw-a: 0 open, complete", "gw-b: 0 open, complete"]);
    expect(await dncOfNodes({ config, handled: onA, note: "x" })).toBe(2);
  });

  it.each([
    [
      "an export",
      (to: string) => exportNodes({ words: ["action:DoNotCall"], as: "bundle", out: to, config, purpose: "x" }),
    ],
    ["a case", (to: string) => caseOfNodes({ phoneStdin: true, out: to, config, purpose: "x" })],
  ])("writes %s as a directory with a file of each node and a manifest", async (kind, write) => {
    const to = join(a.dir, kind.replace(" ", "-"));
    expect([await write(to), err]).toEqual([0, expect.anything()]);
    expect((await readdir(to)).toSorted()).toEqual(["gw-a.zip", "gw-b.zip", "manifest.json"]);
    const manifest = JSON.parse(await readFile(join(to, "manifest.json"), "utf8"));
    expect(manifest).toMatchObject({
      complete: true,
      nodes: [
        { node: "gw-a", file: "gw-a.zip", export: { found: { matching: 1 } } },
        { node: "gw-b", file: "gw-b.zip", export: { found: { matching: 1 } } },
      ],
    });
    const zip = await readFile(join(to, "gw-b.zip"), "latin1");
    expect(zip.includes("case.json")).toBe(kind === "a case");
    expect(await write(to)).toBe(2);
  });

  it("tells a client at any node what became of its request at another", async () => {
    const asked = (path: string, as = "alpha") =>
      fetch(`${a.url}/ocsgw/requests/${path}`, { headers: { Authorization: basic(as) } });
    expect(await (await asked(onB)).json()).toMatchObject({ id: onB, state: "answered", status: 200 });
    expect((await asked(onB, "beta")).status).toBe(404);
    expect((await asked("01KAPQ7Z8M3VABCDEFGHJKMNPQ")).status).toBe(404);
  });

  it("names a node that was stopped, and is complete no more", async () => {
    await b.gateway.stop("test", { quiet: 0 });
    const stopped = /INCOMPLETE: no answer from gw-b \((it is stopped; )?connection refused/;
    for (const [ask, code] of [
      [() => searchNodes({ words: ["action:DoNotCall"], config }), 8],
      [() => dncOfNodes({ config }), 8],
      [() => explainOnNodes({ id: onB, config }), 8],
      [() => exportNodes({ words: [], as: "csv", out: join(a.dir, "alone"), config, purpose: "x" }), 8],
    ] as const) {
      err.length = 0;
      expect(await ask()).toBe(code);
      expect(err.join("\n")).toMatch(stopped);
    }
    expect(await readdir(join(a.dir, "alone"))).toEqual(["gw-a.csv", "manifest.json"]);
    // Nobody is told that there was no such request.
    const unknown = await fetch(`${a.url}/ocsgw/requests/${onB}`, { headers: { Authorization: basic("alpha") } });
    expect([unknown.status, unknown.headers.get("ocsgw-code")]).toEqual([503, "OCSGW-5105"]);
    // What this node's journal has is still found.
    expect(await explainOnNodes({ id: onA, config })).toBe(0);
  });
});
