/**
 * From a machine without anything to an enforcing gateway in front of three tenants: sandbox, init, discover, observe,
 * learn, simulate, enforce, attacks. Nobody edits the config by hand.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startSandboxOcs, type SandboxOcs } from "../../src/sandbox/start.ts";
import { ocsgw, startSandbox } from "../kit/command.ts";
import { startGateway, type GatewayProcess } from "../kit/gateway-process.ts";
import { MANY_GROUPS } from "../kit/many-groups.ts";
import { attacks, Clients, dial, others, strategies } from "../kit/stopwatch-traffic.ts";

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });

let dir: string;
let config: string;
let ocs: SandboxOcs;
let gateway: GatewayProcess | undefined;
let clients: Clients | undefined;
const keys = new Map<string, string>();
let callbacks: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "ocsgw-stopwatch-"));
  config = join(dir, "config/ocsgw.yaml");
  ocs = await startSandboxOcs({ data: MANY_GROUPS });
});
afterAll(async () => {
  clients?.close();
  await gateway?.end("SIGTERM");
  await ocs.close();
  rmSync(dir, { recursive: true });
});

/** Runs a command that must succeed; returns what it printed. */
const done = async (...parts: readonly (string | readonly string[])[]): Promise<string> => {
  const args = parts.flat();
  const { code, stdout, stderr } = await ocsgw(...args);
  expect([args.join(" "), code, code === 0 ? "" : stderr + stdout]).toEqual([args.join(" "), 0, ""]);
  return stdout;
};

const SIMULATE = ["simulate", "--since", "1h", "--json"] as const;
type Simulated = { readonly replayed: number; readonly changes: readonly object[]; readonly untold: readonly object[] };
const simulated = async (): Promise<Simulated> => JSON.parse(await done(...SIMULATE, "-c", config)) as Simulated;

const REQUESTS = 2000;

describe("the way from nothing to an enforcing gateway", { timeout: 120_000 }, () => {
  it("begins with a request through the sandbox", async () => {
    const sandbox = await startSandbox();
    try {
      const { gateway: sandboxed, tenants } = sandbox.ready;
      const crm = tenants[0]!.clients.find(({ client }) => client === "alpha-crm")!;
      const answer = await fetch(`${sandboxed!.http}/phones/4155550100?req=DoNotCall`, {
        method: "POST",
        headers: { Authorization: `Basic ${btoa(`${crm.client}:${crm.key}`)}` },
      });
      expect(answer.status).toBe(200);
    } finally {
      await sandbox.stop();
      await sandbox.remove();
    }
  });

  it("writes a config by init", async () => {
    const port = await freePort();
    const onCallbacks = await freePort();
    callbacks = `http://127.0.0.1:${onCallbacks}`;
    const printed = await done(
      ["init", "--no-input", "--dir", join(dir, "config"), "--upstream", ocs.primary.http],
      ["--bind", `127.0.0.1:${port}`, "--admin", `127.0.0.1:${await freePort()}`],
      ["--callbacks", `127.0.0.1:${onCallbacks}`],
      ["--tenant", "Alpha Tenant:101", "--tenant", "Beta Tenant:102", "--tenant", "Gamma Tenant:103"],
      ["--client", "alpha-ors:101", "--client", "gamma-ors:103", "--client", "alpha-ivr:Alpha Tenant"],
      ["--client", "shared-crm:Alpha Tenant", "--client", "shared-crm:Beta Tenant", "--client", "beta-ops:102"],
      ["--client", "gamma-crm:103", "--client", "monitor:103"],
    );
    for (const line of printed.trimEnd().split("\n")) keys.set(...(line.split(" ") as [string, string]));
    expect([...keys.keys()]).toHaveLength(7);
  });

  it("takes the groups from OCS and the lists from an export", async () => {
    const lists = join(dir, "lists.csv");
    writeFileSync(lists, "tenant;calling_list\r\n" + NAMES.map((name) => `${name} Tenant;${name} List\r\n`).join(""));
    const printed = await done(
      ["discover", "-c", config, "--upstream", "ocs-main", "--dbids", "100-400", "--pace", "1ms", "--csv", lists],
      NAMES.flatMap((name) => ["--assign", `${name} Tenant=${name} *`]),
    );
    expect(printed.match(/^\+ +- \{ dbid: \d+, name: /gm)).toHaveLength(40);
    expect(await done("check", "-c", config)).toMatch(/^ok .* 3 tenants, 7 clients/);
  });

  it("observes 2,000 requests of six kinds of clients, and lets all of them pass", async () => {
    gateway = await startGateway(config);
    clients = new Clients(gateway.port, keys);
    ocs.dialer.configure({ recordBase: `http://127.0.0.1:${gateway.port}`, validationUri: callbacks });
    const { during, after } = await strategies(ocs, { "Alpha List": "alpha-ors", "Gamma List": "gamma-ors" });
    expect([during.length, after.length]).toEqual([80, 80]);
    for (const part of [during, after, others(REQUESTS - 160)]) expect(await clients.all(part)).toEqual([]);
  });

  it("learns the policy, with which no decision about them changes", async () => {
    const before = readFileSync(config, "utf8");
    expect(before).toContain("actions: []");
    await done("learn", "-c", config, "--since", "1h", "--write");
    expect(readFileSync(config, "utf8")).not.toContain("actions: []");
    const first = await simulated();
    expect([first.replayed, first.changes, first.untold]).toEqual([REQUESTS, [], []]);
    await done("learn", "-c", config, "--since", "1h", "--enforce", "--write");
    expect(readFileSync(config, "utf8").match(/^ {4}mode: \w+/gm)).toEqual(NAMES.map(() => "    mode: enforce"));
    expect((await simulated()).changes).toEqual([]);
    await done("reload", "-c", config);
  });

  it("refuses 20 attacks, of which OCS hears nothing, and goes on to serve the clients", async () => {
    const { retrieved } = await dial(ocs, "Gamma List", 1);
    const tried = attacks(retrieved[0]!.handle);
    expect(tried).toHaveLength(20);
    const before = ocs.counters().primary.requests;
    const refused: unknown[] = [];
    for (const { why, code: _, ...asked } of tried) {
      const { headers } = await clients!.ask(asked);
      refused.push([why, headers["ocsgw-origin"], headers["ocsgw-delivery"], headers["ocsgw-code"]]);
    }
    expect(refused).toEqual(tried.map(({ why, code }) => [why, "gateway", "not-sent", code]));
    expect(ocs.counters().primary.requests).toBe(before);
    expect(await clients!.all(others(25))).toEqual([]);
  });
});

const NAMES = ["Alpha", "Beta", "Gamma"];
