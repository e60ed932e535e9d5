import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { discover } from "../../../src/cli/discover/discover.ts";
import type { DiscoverOptions } from "../../../src/cli/discover/options.ts";
import { startSandboxOcs, type SandboxOcs } from "../../../src/sandbox/start.ts";
import { ConfigEdit } from "../../../src/settings/edit/config-edit.ts";
import { ocsgw, root, run as runCommand } from "../../kit/command.ts";
import { MANY_GROUPS } from "../../kit/many-groups.ts";
import { inFolder, LEAST, run as init } from "../init/kit.ts";

const folder = inFolder();
const file = (): string => join(folder(), "config/ocsgw.yaml");

const freePort = async (): Promise<number> => {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
};

let ocs: SandboxOcs;
beforeAll(async () => {
  ocs = await startSandboxOcs({ data: MANY_GROUPS });
});
afterAll(() => ocs.close());

const run = async (options: DiscoverOptions) => {
  let [stdout, stderr] = ["", ""];
  const code = await discover(
    { pace: "1ms", ...options },
    {
      stdout: { write: (text: string) => (stdout += text) },
      stderr: { write: (text: string) => (stderr += text) },
      env: {},
    },
  );
  return { code, stdout, stderr };
};

const config = (tenants: readonly string[] = ["Alpha Tenant:101", "Beta Tenant:102"]) =>
  init({ ...LEAST, dir: join(folder(), "config"), upstream: ocs.primary.http, tenant: tenants });

const DBIDS = MANY_GROUPS.groups.map(({ dbid }) => dbid).join(",");
const ALL = { dbids: DBIDS, assign: ["Alpha Tenant=Alpha *", "102=Beta *", "Gamma Tenant=Gamma *"] };

const problems = async (): Promise<string[]> => {
  const loaded = (await ConfigEdit.open(file())).check({});
  return loaded.ok ? [] : loaded.problems.map(({ path, message }) => `${path}: ${message}`);
};

describe("discover from OCS", () => {
  it("asks with GET alone, one request at a time over one connection, and stops when all are found", async () => {
    const before = ocs.counters().primary;
    const { code } = await run({ upstream: ocs.primary.http, dbids: `${DBIDS},380-400` });
    expect(code).toBe(0);
    const after = ocs.counters().primary;
    const asked = ocs.requests().slice(before.requests - after.requests);
    expect(asked.map(({ method }) => method)).toEqual(asked.map(() => "GET"));
    expect(asked.at(-1)!.target).toBe("/campaigngroups/393");
    expect(after.connections.total - before.connections.total).toBe(1);
    expect([after.violations, after.maxInFlight]).toEqual([0, 1]);
  });

  it("prints skeletons, with placeholders for what OCS does not tell", async () => {
    const { code, stdout, stderr } = await run({
      upstream: ocs.primary.http,
      assign: ["Alpha Tenant=Alpha Campaign 1@*"],
    });
    expect(code).toBe(0);
    expect(stdout).toBe(
      [
        "tenants:",
        "  - name: Alpha Tenant",
        "    dbid: <DBID of Alpha Tenant>",
        "    upstream: ocs-main",
        "    mode: observe",
        "    clients: {}",
        "    campaigns: [Alpha Campaign 1]",
        "    campaign_groups:",
        ...[1, 2].flatMap((at) => [
          `      - dbid: <DBID of Alpha Campaign 1@Alpha Agents ${at}>`,
          `        name: Alpha Campaign 1@Alpha Agents ${at}`,
          "        campaign_id: 1000",
          `        group_id: ${2099 + at}`,
        ]),
        "    lists: []",
        "    records: pre-dial",
        "",
      ].join("\n"),
    );
    expect(stderr).toContain("38 campaign groups belong to no tenant");
    expect(stderr).toContain("\n  Beta Campaign 1@Beta Agents 1  (campaign 1100, agent group 2110)\n");
  });

  it("enters groups into a config, and leaves only the DBID of a new tenant to fill in", async () => {
    await config();
    const { code, stdout, stderr } = await run({ ...ALL, config: file() });
    expect(code).toBe(0);
    expect(stdout).toContain(
      "+      - { dbid: 120, name: Alpha Campaign 1@Alpha Agents 1, campaign_id: 1000, group_id: 2100 }",
    );
    expect(await problems()).toEqual([
      'tenants[2].dbid: expected a DBID: a whole number from 1, found "<DBID of Gamma Tenant>"',
    ]);
    const at = readFileSync(file(), "utf8").split("\n").indexOf("    dbid: <DBID of Gamma Tenant>") + 1;
    expect(stderr).toContain(`to fill in: ${file()}:${at}: <DBID of Gamma Tenant>\n`);
    writeFileSync(file(), readFileSync(file(), "utf8").replace("<DBID of Gamma Tenant>", "103"));
    const loaded = (await ConfigEdit.open(file())).check({});
    expect(
      loaded.ok && loaded.settings.tenants.map(({ name, campaign_groups }) => [name, campaign_groups.length]),
    ).toEqual([
      ["Alpha Tenant", 20],
      ["Beta Tenant", 12],
      ["Gamma Tenant", 8],
    ]);
    const again = await run({ ...ALL, config: file() });
    expect([again.code, again.stdout]).toEqual([0, ""]);
    expect(again.stderr).toContain("nothing to add");
  });

  it("fills placeholders of an earlier run, and keeps what people wrote between", async () => {
    await config();
    await run({ ...ALL, dbids: "120,127", config: file() });
    expect((await problems()).length).toBe(39);
    const text = readFileSync(file(), "utf8");
    writeFileSync(file(), text.replace("    lists: []\n", "    lists: [Ours] # by hand\n"));
    await run({ ...ALL, config: file() });
    expect(await problems()).toEqual([expect.stringContaining("<DBID of Gamma Tenant>")]);
    expect(readFileSync(file(), "utf8")).toContain("    lists: [Ours] # by hand\n");
  });

  it("changes nothing with --dry-run", async () => {
    await config();
    const before = readFileSync(file(), "utf8");
    const { code, stdout, stderr } = await run({ ...ALL, config: file(), dryRun: true });
    expect([code, stdout.startsWith("--- "), readFileSync(file(), "utf8")]).toEqual([0, true, before]);
    expect(stderr).toContain("nothing was written, because of --dry-run");
  });

  it("writes nothing when the config contradicts OCS", async () => {
    await config();
    await run({ ...ALL, config: file() });
    const text = readFileSync(file(), "utf8")
      .replace("dbid: 120,", "dbid: 999,")
      .replace("group_id: 2101", "group_id: 1");
    writeFileSync(file(), text);
    const { code, stderr } = await run({ ...ALL, config: file(), assign: [...ALL.assign, "New=Nothing*"] });
    expect([code, readFileSync(file(), "utf8")]).toEqual([1, text]);
    expect(stderr).toContain('nothing was written:\n--assign "New=Nothing*": no campaign group matches');
    const second = await run({ ...ALL, config: file() });
    expect(second.stderr).toContain("Alpha Campaign 1@Alpha Agents 1 has dbid: 999 in the config, and it is 120");
    expect(second.stderr).toContain("Alpha Campaign 1@Alpha Agents 2 has group_id: 1 in the config, and it is 2101");
  });

  it("makes no second tenant of a name that another upstream has", async () => {
    await config();
    const edit = readFileSync(file(), "utf8")
      .replace("\n\n# In mode", `\n  ocs-two:\n    primary: http://127.0.0.1:1\n\n# In mode`)
      .replace("dbid: 102\n    upstream: ocs-main", "dbid: 102\n    upstream: ocs-two");
    writeFileSync(file(), edit);
    const { code, stderr } = await run({
      config: file(),
      upstream: "ocs-main",
      assign: ["Beta Tenant=Beta *"],
      dbids: "1",
    });
    expect([code, readFileSync(file(), "utf8")]).toEqual([1, edit]);
    expect(stderr).toContain("Beta Tenant is in the config already, as a tenant of another upstream");
  });

  it("writes nothing that check would refuse", async () => {
    await config();
    const lists = join(folder(), "g.csv");
    writeFileSync(lists, "tenant,campaign_group,campaign_group_dbid\nAlpha Tenant,X@1,500\n");
    await run({ config: file(), csv: [lists] });
    const text = readFileSync(file(), "utf8").replaceAll("dbid: 500", "dbid: 120");
    writeFileSync(file(), text);
    const { code, stderr } = await run({ ...ALL, config: file() });
    expect([code, readFileSync(file(), "utf8")]).toEqual([3, text]);
    expect(stderr).toContain("nothing was written, because the config would not be valid:");
    expect(stderr).toContain("120");
  });

  it("prints one JSON object with --json", async () => {
    const { stdout } = await run({
      upstream: ocs.primary.http,
      dbids: "120-121",
      assign: ["A=Alpha Campaign 1@*"],
      json: true,
    });
    const said = JSON.parse(stdout) as { tenants: { name: string; campaign_groups: object[] }[]; nobody: object[] };
    expect(said.tenants).toMatchObject([
      {
        name: "A",
        dbid: null,
        campaign_groups: [
          { dbid: 120, name: "Alpha Campaign 1@Alpha Agents 1", campaign_id: 1000, group_id: 2100 },
          { dbid: null },
        ],
      },
    ]);
    expect(said.nobody).toHaveLength(38);
  });

  it("stops at the end of its time, with what it found", async () => {
    await config();
    const { code, stderr } = await run({ ...ALL, config: file(), dbids: "100-400", pace: "20ms", timeout: "500ms" });
    expect(code).toBe(5);
    expect(stderr).toMatch(/ended early: the time of --timeout 500ms is over; not asked for: \d+-400\n/);
    expect(stderr).toContain(`wrote ${file()}`);
  });

  it("stops politely at Ctrl-C, prints what it found, and writes nothing", async () => {
    await config();
    const before = readFileSync(file(), "utf8");
    const main = join(root, "src/cli/main.ts");
    const args = ["discover", "-c", file(), "--dbids", "100-400", "--pace", "50ms", "--assign", "Alpha Tenant=Alpha *"];
    const first = ocs.counters().primary.requests;
    const child = spawn(process.execPath, [main, ...args]);
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (part: Buffer) => (stdout += part.toString()));
    child.stderr.on("data", (part: Buffer) => (stderr += part.toString()));
    while (ocs.counters().primary.requests < first + 25) await new Promise((resolve) => setTimeout(resolve, 20));
    child.kill("SIGINT");
    const [code] = (await once(child, "close")) as [number];
    expect([code, readFileSync(file(), "utf8")]).toEqual([130, before]);
    expect(stdout).toContain("+      - { dbid: 120, name: Alpha Campaign 1@Alpha Agents 1,");
    expect(stderr).toMatch(/ended early: interrupted; not asked for: 1\d\d-400\n/);
    expect(stderr).toContain("nothing was written");
  });
});

describe("the commands that init prints", () => {
  it("run as printed: check, discover, and a gateway that starts", async () => {
    const ports = await Promise.all([1, 2, 3].map(freePort));
    const [bind, admin, callbacks] = ports.map((port) => `127.0.0.1:${port}`) as [string, string, string];
    const binds = ["--bind", bind, "--admin", admin, "--callbacks", callbacks];
    const dir = join(folder(), "a folder with blanks");
    const printed = await ocsgw(
      ...["init", "--no-input", "--json", "--dir", dir, "--upstream", ocs.primary.http, "--client", "a"].concat(binds),
      "--tenant",
      "Alpha Tenant:101",
    );
    const [check, found, gateway] = (JSON.parse(printed.stdout) as { next: [string, string, string] }).next;
    const shell = async (command: string): Promise<number | null> => (await runCommand("sh", ["-c", command])).code;
    expect([await shell(check), await shell(`${found} --pace 1ms`)]).toEqual([0, 0]);
    const child = spawn("sh", ["-c", `exec ${gateway}`], { env: { ...process.env, OCSGW_LOG: "info" } });
    let log = "";
    child.stderr.on("data", (part: Buffer) => (log += part.toString()));
    while (!log.includes(bind)) {
      await Promise.race([once(child.stderr, "data"), once(child, "exit")]);
      if (child.exitCode !== null) throw new Error(`the gateway ended: ${log}`);
    }
    child.kill("SIGTERM");
    expect((await once(child, "close"))[0]).toBe(0);
  });
});

describe("discover from exports", () => {
  it("enters tenants, groups, lists and campaigns", async () => {
    await config(["Alpha Tenant:101"]);
    const texts = {
      "t.csv": "tenant;tenant_dbid\r\nAlpha Tenant;101\r\nDelta Tenant;104\r\n",
      "g.csv": "tenant,campaign_group,campaign_group_dbid\nDelta Tenant,Delta@Agents,500\nAlpha Tenant,Old@Agents,\n",
      "l.csv": 'tenant,calling_list\nDelta Tenant,"Delta, all"\nAlpha Tenant,Alpha List\n',
    };
    for (const [name, text] of Object.entries(texts)) writeFileSync(join(folder(), name), text);
    const { code } = await run({ config: file(), csv: Object.keys(texts).map((name) => join(folder(), name)) });
    expect(code).toBe(0);
    expect(await problems()).toEqual([expect.stringContaining("<DBID of Old@Agents>")]);
    const edit = await ConfigEdit.open(file());
    expect(edit.tenants().map(({ value }) => value)).toMatchObject([
      { name: "Alpha Tenant", lists: ["Alpha List"], campaigns: ["Old"] },
      {
        name: "Delta Tenant",
        dbid: 104,
        lists: ["Delta, all"],
        campaign_groups: [{ dbid: 500, name: "Delta@Agents" }],
      },
    ]);
  });

  it("adds what OCS does not tell", async () => {
    const [tenants, groups] = ["t.csv", "g.csv"].map((name) => join(folder(), name)) as [string, string];
    writeFileSync(tenants, "tenant,tenant_dbid\nAlpha,101\n");
    writeFileSync(groups, "tenant,campaign_group,campaign_group_dbid\nAlpha,Alpha Campaign 1@Alpha Agents 1,120\n");
    const { code, stdout } = await run({ upstream: ocs.primary.http, csv: [tenants, groups] });
    expect(code).toBe(0);
    expect(stdout).toContain("    dbid: 101\n");
    expect(stdout).toContain("{ dbid: 120, name: Alpha Campaign 1@Alpha Agents 1, campaign_id: 1000, group_id: 2100 }");
    // The same campaign, so the same tenant.
    expect(stdout).toContain("name: Alpha Campaign 1@Alpha Agents 2\n        campaign_id: 1000\n");
  });

  it("refuses malformed ones by file and line, and writes nothing", async () => {
    await config();
    const before = readFileSync(file(), "utf8");
    writeFileSync(join(folder(), "l.csv"), "tenant,calling_list\nGamma,L\n");
    const { code, stderr } = await run({ config: file(), csv: [join(folder(), "l.csv")] });
    expect([code, readFileSync(file(), "utf8")]).toEqual([1, before]);
    expect(stderr).toContain('l.csv:2: unknown tenant "Gamma"');
  });
});

describe("discover from another server", () => {
  let server: Server;
  let answer: { status: number; headers: Record<string, string>; body: string; after?: number };
  let asked: string[];
  let address: string;
  beforeAll(async () => {
    server = createServer((request, response) => {
      asked.push(request.url!);
      const isLate = asked.length > (answer.after ?? Number.POSITIVE_INFINITY);
      if (isLate) response.writeHead(500, { "Content-Length": "0" }).end();
      else response.writeHead(answer.status, answer.headers).end(answer.body);
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.close().closeAllConnections();
  });

  const LIST = '{"GSW_CM_MessageType":46,"CampaignGroups":{"A@B":{"GSW_CM_AttrCampaignID":1,"GSW_CM_AttrGroupID":2}}}';

  it.each([
    ["an OCS before 8.1.524", 405, "OCS/8.1.503.12", 8, "older than 8.1.524.04"],
    ["an OCS before 8.1.524 that answers 200", 200, "OCS/8.1.503.12", 8, "older than 8.1.524.04"],
    ["a server that tells no version", 405, undefined, 8, "answered 405, as an OCS before 8.1.524.04 does"],
    ["a new OCS that fails", 500, "OCS/8.1.530.01", 5, "answered 500; check that the address"],
    ["a new OCS that refuses", 405, "OCS/8.1.530.01", 5, "answered 405"],
    ["a web server", 200, "nginx", 5, "something else than the list of campaign groups"],
  ])("says of %s what to do", async (_, status, name, wanted, why) => {
    asked = [];
    answer = { status, headers: { "Content-Length": "0", ...(name !== undefined && { Server: name }) }, body: "" };
    const { code, stdout, stderr } = await run({ upstream: address });
    expect([code, stdout, asked]).toEqual([wanted, "", ["/campaigngroups"]]);
    expect(stderr).toContain(why);
    expect(stderr.includes("ocsgw discover --csv FILE")).toBe(wanted === 8);
  });

  it.each([
    ["listed twice", '"\\u001b[2J\\u009b1A\\u202e@\\nB":{},"\\u001b[2J\\u009b1A\\u202e@\\nB":{}'],
    ["without ids", '"\\u001b[2J\\u009b1A\\u202e@\\nB":{}'],
    ["with ids", '"\\u001b[2J\\u009b1A\\u202e@\\nB":{"GSW_CM_AttrCampaignID":1,"GSW_CM_AttrGroupID":2}'],
  ])("shows no control characters of a name that is %s", async (_, groups) => {
    asked = [];
    const body = `{"GSW_CM_MessageType":46,"CampaignGroups":{${groups}}}`;
    answer = { status: 200, headers: { "Content-Type": "application/json" }, body };
    const { code, stdout, stderr } = await run({ upstream: address });
    expect(code).toBe(0);
    expect(stderr.split("\n").filter((line) => line.startsWith("unclear: "))).toHaveLength(1);
    expect(`${stdout}${stderr}`.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  it("leaves an OCS alone that answers single groups with errors", async () => {
    asked = [];
    const headers = {
      "Content-Type": "application/json",
      "Content-Length": String(LIST.length),
      Server: "OCS/8.1.530",
    };
    answer = { status: 200, headers, body: LIST, after: 1 };
    const { code, stdout, stderr } = await run({ upstream: address, dbids: "1-50" });
    expect(code).toBe(5);
    expect(asked.length).toBeLessThanOrEqual(5);
    expect(stderr).toContain("ended early");
    expect(stderr).toContain("not asked for: ");
    expect(stdout).toContain("<DBID of");
  });

  it("says when it cannot be reached", async () => {
    const { code, stderr } = await run({ upstream: "http://127.0.0.1:1" });
    expect(code).toBe(5);
    expect(stderr).toContain("OCS cannot be reached: http://127.0.0.1:1");
  });
});

describe("the options of discover", () => {
  it.each<[string, DiscoverOptions, string]>([
    ["nothing to read", {}, "give --upstream URL, --csv FILE, or -c FILE"],
    ["a name without a config", { upstream: "ocs-main" }, "a name needs -c FILE"],
    ["a path in the address", { upstream: "http://127.0.0.1:1/x" }, "--upstream: expected"],
    ["an address with a config", { upstream: "http://127.0.0.1:1", config: "x" }, "with -c, --upstream is the name"],
    ["TLS without an address", { csv: ["x"], ca: "x" }, "belong to --upstream URL"],
    ["a certificate without its key", { upstream: "https://127.0.0.1:1", cert: "x" }, "--cert and --key"],
    ["DBIDs for nobody", { csv: ["x"], dbids: "1-2" }, "--dbids is for OCS"],
    ["DBIDs backwards", { upstream: "http://127.0.0.1:1", dbids: "9-1" }, "--dbids: expected ranges"],
    ["DBIDs that are none", { upstream: "http://127.0.0.1:1", dbids: "0-5" }, "--dbids: expected ranges"],
    ["too many DBIDs", { upstream: "http://127.0.0.1:1", dbids: "1-2147483647" }, "20000 DBIDs at most"],
    ["a pattern without a tenant", { upstream: "http://127.0.0.1:1", assign: ["=x"] }, "--assign: expected TENANT"],
    ["a time that no timer has", { upstream: "http://127.0.0.1:1", timeout: "30d" }, "24d at most"],
    ["no duration", { upstream: "http://127.0.0.1:1", pace: "fast" }, "--pace: expected a duration"],
  ])("are refused for %s", async (_, options, why) => {
    const { code, stdout, stderr } = await run(options);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(why);
  });

  it("name an upstream that the config has", async () => {
    await config();
    const { code, stderr } = await run({ config: file(), upstream: "ocs-two" });
    expect([code, stderr]).toEqual([2, `${file()} has no upstream ocs-two; it has ocs-main\n`]);
  });
});
