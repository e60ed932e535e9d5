import { readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { request } from "undici";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { status } from "../../../src/cli/status/status.ts";
import { renderStatus } from "../../../src/cli/status/screen.ts";
import type { Status } from "../../../src/admin/status.ts";
import { root, run } from "../../kit/command.ts";
import { aGateway, basic, twoTenants, type TestGateway } from "../../kit/gateway.ts";
import { OK, rawOcs, type RawOcs } from "../../kit/raw-ocs.ts";
import { patternOf } from "../../kit/pattern.ts";

let ocs: RawOcs;
let gateway: TestGateway;
let printed: string[];
let complained: string[];

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });

const config = (): string => join(gateway.dir, "ocsgw.yaml");
const said = (): string => printed.join("\n");

beforeEach(async () => {
  [printed, complained] = [[], []];
  vi.spyOn(console, "log").mockImplementation((line: string) => void printed.push(line));
  vi.spyOn(console, "error").mockImplementation((line: string) => void complained.push(line));
  ocs = await rawOcs(() => undefined);
  const base = twoTenants(ocs.url);
  gateway = await aGateway({
    ...base,
    upstreams: { ocs: { primary: ocs.url, connections: 1 } },
    admin: { bind: `127.0.0.1:${await freePort()}` },
  });
});
afterEach(async () => {
  vi.restoreAllMocks();
  for (const { socket } of ocs.connections) socket.destroy();
  await gateway.stop();
  await ocs.close();
});

const call = async (as: string): Promise<void> => {
  const { body } = await request(`${gateway.url}/phones/4155550177?req=DoNotCall`, {
    method: "POST",
    headers: { Authorization: basic(as) },
  });
  await body.dump();
};

const busy = async (): Promise<Promise<void>[]> => {
  const first = call("alpha");
  await vi.waitFor(() => expect(ocs.requests()).toBe(1));
  const rest = [call("alpha"), call("alpha"), call("beta")];
  await vi.waitFor(async () => {
    const { body } = await request(`${gateway.gateway.admin!}/api/status`, {
      headers: { Authorization: "Bearer token" },
    });
    const { upstreams } = (await body.json()) as Status;
    expect(upstreams[0]!.queue.map(({ waiting }) => waiting)).toEqual([2, 1]);
  });
  return [first, ...rest];
};

describe("ocsgw status", () => {
  it("shows lanes with tenants, queues, roles and the journal, with the token that the config leads to", async () => {
    const calls = await busy();
    expect(await status({ config: config() })).toBe(0);
    const text = said();
    expect(text).toMatch(/^ready {3}ocs-gateway \d+\.\d+\.\d+, up .+, config [0-9a-f]{12}$/m);
    expect(text).toMatch(/^upstream ocs, epoch 1$/m);
    expect(text).toMatch(new RegExp(`^ {2}primary  ${ocs.url}  active$`, "m"));
    expect(text).toMatch(new RegExp(`^ {2}ocs/1  busy   Alpha Tenant  [\\d.]+ m?s +${ocs.url}$`, "m"));
    expect(text).toMatch(/^ {2}Alpha Tenant {2}2 {8}\d+ +[\d.]+ m?s$/m);
    expect(text).toMatch(/^ {2}Beta Tenant {3}1 {8}\d+ +[\d.]+ m?s$/m);
    expect(text).toMatch(
      patternOf(
        /^journal {3}\d+ entries, \d+ waiting, lag [\d.]+ m?s, /,
        /last checkpoint [\d.]+ m?s ago \(\d+ entries\), [\d.]+ k?B on disk, [\d.]+ [MGT]B free$/m,
      ),
    );
    expect(text).not.toContain("0177");
    ocs.script = () => OK;
    ocs.connections.at(-1)!.socket.write(OK);
    await Promise.all(calls);
    printed = [];
    expect(await status({ config: config() })).toBe(0);
    expect(said()).toMatch(/^ {2}queue empty$/m);
    expect(said()).toMatch(/^requests {2}ocs 2xx 4\nrefusals {2}none$/m);
  });

  it("prints JSON with the unit in each number's name, and no endpoint for a lane without a connection", async () => {
    expect(await status({ config: "nowhere.yaml", url: gateway.gateway.admin!, token: "token", json: true })).toBe(0);
    const shown = JSON.parse(said()) as Record<string, any>;
    const lanes = shown["upstreams"][0].lanes as {
      state: string;
      endpoint: string | null;
      since: number;
      since_ms: number;
    }[];
    expect(lanes.map(({ state, endpoint }) => [state, endpoint])).toEqual([["idle", null]]);
    expect(lanes[0]!.since_ms).toBe(lanes[0]!.since);
    expect([
      shown["uptime_ms"],
      shown["journal"].lag_ms,
      shown["journal"].checkpoint.age_ms,
      shown["journal"].disk.free_bytes,
      shown["journal"].disk.journal_bytes,
    ]).toEqual([
      shown["uptime"],
      shown["journal"].lag,
      shown["journal"].checkpoint.age,
      shown["journal"].disk.free,
      shown["journal"].disk.journal,
    ]);
    expect(shown["journal"].disk).toHaveProperty("bytes_per_hour");
    printed = [];
    await status({ config: config() });
    expect(said()).toMatch(/^ {2}ocs\/1 +idle +- +[\d.]+ m?s +-$/m);
  });

  it("prints JSON with --json", async () => {
    expect(await status({ config: "nowhere.yaml", url: gateway.gateway.admin!, token: "token", json: true })).toBe(0);
    expect(JSON.parse(said())).toMatchObject({
      ready: true,
      reasons: [],
      upstreams: [{ name: "ocs", epoch: 1, queue: [] }],
      journal: { failed: null },
    });
  });

  it("ends with 1 when the gateway is not ready, and says why", async () => {
    await ocs.close();
    await call("alpha");
    await vi.waitFor(async () => expect(await status({ config: config() })).toBe(1), { timeout: 10_000 });
    expect(printed.at(-1)).toMatch(
      new RegExp(
        `^not ready .*\\n  no OCS reachable: ocs \\(${ocs.url}\\)\\n[\\s\\S]*primary  ${ocs.url}  unreachable`,
      ),
    );
  });

  it("ends with 5 when nothing answers", async () => {
    await gateway.gateway.stop("test");
    expect(await status({ config: config() })).toBe(5);
    expect([printed, complained]).toEqual([[], [expect.stringContaining("connection refused")]]);
  });

  it("ends with 1 without the right token, and says where it looked for the token", async () => {
    expect(await status({ config: config(), token: "wrong" })).toBe(1);
    await rm(join(gateway.dir, "audit/admin.token"));
    expect(await status({ config: config() })).toBe(1);
    expect(complained.join("\n")).toContain(join(gateway.dir, "audit/admin.token"));
  });

  it("ends with 2 for --url without a token: it sends this machine's token nowhere else", async () => {
    expect(await status({ config: config(), url: gateway.gateway.admin! })).toBe(2);
  });

  it("ends with 3 when the config is invalid, and says so on stderr", async () => {
    const out = vi.spyOn(process.stdout, "write").mockReturnValue(true);
    const stderr = vi.spyOn(process.stderr, "write").mockReturnValue(true);
    expect(await status({ config: join(gateway.dir, "nowhere.yaml"), json: true })).toBe(3);
    expect(out).not.toHaveBeenCalled();
    expect(stderr.mock.calls.join("")).toContain("there is no such file");
  });

  it("ends with 5 when another server answers, and says what is wrong with the answer", async () => {
    expect(await status({ config: config(), url: gateway.url, token: "token" })).toBe(5);
    expect([printed, complained]).toEqual([
      [],
      [`the answer from ${gateway.url} is not JSON: it is probably not the admin listener`],
    ]);
  });

  it("ends with 2 for an invalid URL", async () => {
    const { code, stderr } = await run(process.execPath, [
      join(root, "src/cli/main.ts"),
      "status",
      "--url",
      "localhost:9640",
      "--token",
      "token",
    ]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("argument 'localhost:9640' is invalid")]);
  });

  it("ends with 3 without an admin listener, and only says how to open one", async () => {
    const stderr = vi.spyOn(process.stderr, "write").mockReturnValue(true);
    const closed = join(gateway.dir, "closed.yaml");
    await writeFile(closed, (await readFile(config(), "utf8")).replace(/^admin:\n(?: .*\n)+/m, ""));
    expect(await status({ config: closed })).toBe(3);
    expect([stderr.mock.calls, complained]).toEqual([
      [],
      [expect.stringContaining("closed.yaml has no admin listener: add admin: ")],
    ]);
  });

  it("reads the token from the environment", async () => {
    const { code, stdout } = await run(
      process.execPath,
      [join(root, "src/cli/main.ts"), "status", "--url", gateway.gateway.admin!, "--json"],
      { env: { OCSGW_ADMIN_TOKEN: "token" } },
    );
    expect([code, (JSON.parse(stdout) as Status).ready]).toEqual([0, true]);
  });
});

describe("the screen of ocsgw status", () => {
  const lane = (since: number): Status["upstreams"][number]["lanes"][number] => ({
    name: "o/1",
    endpoint: "e",
    state: "idle",
    since,
  });
  const sample: Status = {
    version: "1.2.3",
    uptime: 200_000_000,
    config_hash: "0123456789abcdef",
    ready: false,
    reasons: ["draining"],
    warnings: ["look after it"],
    modes: { enforce: 1, observe: 0 },
    rollout: [
      { step: "recorded", state: "done", detail: "1 of 1 tenant had requests since the start 2 d ago" },
      { step: "direct-path-closed", state: "cannot-tell", detail: "who knows" },
    ],
    upstreams: [
      {
        name: "o",
        epoch: 2,
        endpoints: [
          { endpoint: "e", role: "primary", active: false, up: false },
          { endpoint: "f", role: "backup", active: true, up: true },
        ],
        lanes: [lane(3)],
        queue: [],
      },
    ],
    journal: {
      size: 9,
      segment: undefined,
      bytes: 0,
      failed: "ENOSPC",
      waiting: 1,
      lag: 12,
      lost: 4,
      lost_requests: 1,
      failures: 0,
      buffered: 0,
      torn: undefined,
      checkpoint: { size: 8, age: 61_000 },
      verified: null,
      damage: [],
      witnesses: [],
      quorum: null,
      timestamp: null,
      disk: { journal: 1.2e9, free: 34e9, per_hour: 5e8, full_in: 68 * 3_600_000 },
    },
    records: [],
    outbox: [{ tenant: "Alpha Tenant", pending: 2, alarms: 1, oldest: 61_000 }],
    open_do_not_calls: [
      { tenant: "A", open: 2, oldest: 7_300_000 },
      { tenant: null, open: 1, oldest: 61_000 },
    ],
    requests: [{ origin: "gateway", status_class: "5xx", count: 2 }],
    refusals: [
      { code: "OCSGW-2001", count: 3, most: [] },
      {
        code: "OCSGW-3001",
        count: 9,
        most: [
          { tenant: "B", count: 7 },
          { tenant: "A", count: 2 },
        ],
      },
    ],
    auth_failures: [{ reason: "key-unknown", count: 3 }],
    no_answers: [{ code: "OCSGW-4101", count: 2 }],
  };

  it("distinguishes unknown open Do-Not-Calls from none", () => {
    const line = (open: Status["open_do_not_calls"]): string | undefined =>
      renderStatus({ ...sample, open_do_not_calls: open })
        .split("\n")
        .find((each) => each.startsWith("open dnc"));
    expect([line(null), line([])]).toEqual(["open dnc     unknown yet", "open dnc     none"]);
  });

  it("shows no steps of a gateway that does not know them", () => {
    const { rollout: _, ...older } = sample;
    expect(renderStatus(older as Status)).not.toContain("from observe to enforce");
  });

  it("prints aligned columns", () => {
    expect(renderStatus(sample).split("\n")).toEqual([
      "not ready   ocs-gateway 1.2.3, up 2 d, config 0123456789ab",
      "  draining",
      "  warning: look after it",
      "",
      "upstream o, epoch 2",
      "  role     endpoint  state",
      "  primary  e         standby",
      "  backup   f         active",
      "",
      "  lane  state  tenant  for   endpoint",
      "  o/1   idle   -       3 ms  e",
      "",
      "  queue empty",
      "",
      "from observe to enforce",
      "  recorded            done         1 of 1 tenant had requests since the start 2 d ago",
      "  direct path closed  cannot tell  who knows",
      "",
      "journal      9 entries, 1 waiting, lag 12 ms, last checkpoint 61 s ago (8 entries), 1.2 GB on disk, " +
        "34 GB free, 500 MB an hour: full in 2 d, 1 intents and outcomes lost, 3 refusals and other entries lost, " +
        "cannot be written",
      "open dnc     A 2 (oldest 2 h), unknown tenant 1 (oldest 61 s)",
      "outbox       Alpha Tenant 2 pending (oldest 61 s), 1 ALARM",
      "requests     gateway 5xx 2; sent, no answer: OCSGW-4101 2",
      "refusals     OCSGW-2001 3, OCSGW-3001 9 (B 7, A 2)",
      "credentials  rejected: key-unknown 3",
    ]);
  });

  it.each([
    [
      { seen: "accepts and closes", detail: undefined, since: 7_200_000, expected: "closes", healthy: true },
      "standby, accepts and closes for 2 h",
    ],
    [
      { seen: "accepts and closes", detail: "ECONNRESET", since: 9000, expected: "closes", healthy: true },
      "standby, accepts and closes for 9.0 s",
    ],
    [
      { seen: "refuses", detail: "ECONNREFUSED", since: 59_000, expected: "closes", healthy: false },
      "standby, refuses (ECONNREFUSED) for 59 s; expected: closes",
    ],
    [
      { seen: "silent", detail: "ETIMEDOUT", since: 1000, expected: undefined, healthy: false },
      "standby, silent (ETIMEDOUT) for 1.0 s",
    ],
  ] as const)("shows a standby with %j as %s", (standby, words) => {
    const endpoints = [{ ...sample.upstreams[0]!.endpoints[0]!, standby }, sample.upstreams[0]!.endpoints[1]!];
    expect(renderStatus({ ...sample, upstreams: [{ ...sample.upstreams[0]!, endpoints }] })).toContain(
      `\n  primary  e         ${words}\n`,
    );
  });

  it("shows no old probe of the standby while no OCS is active", () => {
    const standby = {
      seen: "accepts and closes",
      detail: undefined,
      since: 13_000,
      expected: "closes",
      healthy: true,
    } as const;
    const [primary, backup] = sample.upstreams[0]!.endpoints;
    const text = renderStatus({
      ...sample,
      upstreams: [
        {
          ...sample.upstreams[0]!,
          endpoints: [
            { ...primary!, standby },
            { ...backup!, up: false },
          ],
        },
      ],
    });
    expect(text).toContain("\n  primary  e         standby, has not taken over\n  backup   f         unreachable\n");
  });

  it.each([
    [0, "0 ms"],
    [999.9, "999 ms"],
    [1000, "1.0 s"],
    [9900, "9.9 s"],
    [59_000, "59 s"],
    [119_000, "119 s"],
    [120_000, "2 min"],
    [7_200_000, "2 h"],
    [172_800_000, "2 d"],
  ])("shows %f ms as %s", (ms, words) => {
    expect(renderStatus({ ...sample, upstreams: [{ ...sample.upstreams[0]!, lanes: [lane(ms)] }] })).toMatch(
      new RegExp(`o/1 +idle +- +${words.replace(".", "\\.")} +e$`, "m"),
    );
  });
});
