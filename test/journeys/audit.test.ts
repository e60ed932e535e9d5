import { appendFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TransactionJson } from "../../src/journal/search/to-json.ts";
import { ocsgw, ocsgwWith, root, run, type Ran } from "../kit/command.ts";
import { aGateway, basic, twoTenants, type TestGateway } from "../kit/gateway.ts";
import { describeWith } from "../kit/machine.ts";
import { rawOcs, type RawOcs } from "../kit/raw-ocs.ts";

let ocs: RawOcs;
let gateway: TestGateway;
let config: string;
beforeAll(async () => {
  ocs = await rawOcs();
  gateway = await aGateway({ ...twoTenants(ocs.url), admin: { bind: "127.0.0.1:0" } });
  config = join(gateway.dir, "ocsgw.yaml");
  await ask("alpha", "/phones/4155550100?req=DoNotCall", "{}");
  await ask("alpha", "/phones/+14155550100?req=DoNotCall", '{"GSW_TENANT_NAME":"Beta Tenant"}');
  await ask("beta", "/phones/4155550142?req=DoNotCall", "{}");
  await ask("alpha", "/customer_ids/CUST-77?req=RequestRecordCancel", "{}");
  await gateway.journal();
});
afterAll(async () => {
  await gateway.stop();
  await ocs.close();
});

const ask = (client: string, target: string, body: string): Promise<Response> =>
  fetch(gateway.url + target, {
    method: "POST",
    body,
    headers: { Authorization: basic(client), "Content-Type": "application/json" },
  });

type Found = {
  readonly requests: readonly TransactionJson[];
  readonly next: string | null;
  readonly evidence?: {
    readonly complete: boolean;
    readonly epochs: readonly { readonly epoch: string; readonly held: boolean }[];
  };
};
const foundBy = ({ stdout }: Ran): Found => JSON.parse(stdout) as Found;
const search = (...args: readonly string[]): Promise<Ran> => ocsgw("audit", "search", "-c", config, "--json", ...args);
const api = (filter: string): Promise<Response> =>
  fetch(`${gateway.gateway.admin!}/api/audit/search?filter=${encodeURIComponent(filter)}`, {
    headers: { Authorization: "Bearer token" },
  });
const accesses = async () => (await gateway.journal()).flatMap((entry) => (entry.kind === "access" ? [entry] : []));

describe("the journal's commands", { timeout: 120_000 }, () => {
  it("gives requests by filter, youngest first", async () => {
    const ran = await search("tenant:Alpha Tenant", "action:DoNotCall");
    expect([ran.code, foundBy(ran).requests.map(({ state, status, dnc }) => [state, status, dnc])]).toEqual([
      0,
      [
        ["refused", 403, 2],
        ["ok", 200, 1],
      ],
    ]);
    expect(await accesses()).toEqual([]);
  });

  it("goes on where a page ended", async () => {
    const first = foundBy(await search("is:ok", "--limit", "1"));
    const second = foundBy(await search("is:ok", "--limit", "1", "--cursor", first.next!));
    expect(first.requests[0]!.at).toBeGreaterThan(second.requests[0]!.at!);
  });

  it("finds a person by every spelling, says what was searched, and journals who looked and why", async () => {
    const ran = await ocsgwWith(
      "(415) 555-0100\n",
      "audit",
      "search",
      "-c",
      config,
      "--json",
      "--phone-stdin",
      "--purpose",
      "complaint 2026-118",
    );
    // A cancel by customer id may be about the number.
    expect(ran.code).toBe(8);
    expect(foundBy(ran).requests.map(({ state }) => state)).toEqual(["refused", "ok"]);
    expect(foundBy(ran).evidence).toMatchObject({
      complete: false,
      uncovered: [{ count: 1, filter: "missing:phone -action:DoNotCall" }],
      epochs: [{ epoch: "t1", held: true }],
    });
    const [looked] = await accesses();
    expect(looked).toMatchObject({
      kind: "access",
      operation: "look-up",
      purpose: "complaint 2026-118",
      results: 2,
      tokens: { phone: expect.stringMatching(/^t1:[0-9a-f]{64}$/) as string },
    });
    expect(JSON.stringify(looked)).not.toMatch(/555/);
    expect(foundBy(await search("kind:access", `phone:${looked!.tokens!.phone!}`)).requests.length).toBe(1);
  });

  it("notes that an open Do-Not-Call was handled by other means, and lists it all the same", async () => {
    const dnc = (...args: readonly string[]): Promise<Ran> => ocsgw("audit", "dnc", "-c", config, ...args);
    const listed = async () =>
      JSON.parse((await dnc("--json")).stdout) as {
        readonly open: readonly { readonly id: string; readonly handled: unknown }[];
        readonly handled: number;
      };
    const {
      open: [item],
      handled,
    } = await listed();
    expect([item!.handled, handled]).toEqual([null, 0]);
    expect(await dnc("--handled", item!.id)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--note is missing: say how it was handled") as string,
    });
    expect(await dnc("--note", "by hand")).toMatchObject({ code: 2 });
    expect(await dnc("--handled", "01ZZZZ", "--note", "by hand")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("no open Do-Not-Call has a last try whose request id") as string,
    });
    expect(await dnc("--handled", item!.id, "--note", "called 415-555-0100")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("phone number") as string,
    });
    expect(
      await dnc("--handled", item!.id.slice(0, 20).toLowerCase(), "--note", "added by hand, ticket 42"),
    ).toMatchObject({ code: 0, stdout: expect.stringContaining("It stays listed until OCS answers 200") as string });
    expect(await listed()).toMatchObject({
      open: [{ id: item!.id, handled: { note: "added by hand, ticket 42" } }],
      handled: 1,
    });
    const words = await dnc();
    expect(words.stdout).toContain(
      "1 open Do-Not-Call: OCS has not confirmed (200) it yet; 1 of them was handled by other means, as notes say",
    );
    expect(words.stdout).toMatch(/: added by hand, ticket 42$/m);
    const answer = await fetch(`${gateway.gateway.admin!}/api/dnc/open`, {
      headers: { Authorization: "Bearer token" },
    });
    expect(await answer.json()).toMatchObject({
      open: [{ handled: { note: "added by hand, ticket 42" } }],
      handled: 1,
    });
  });

  it("finds a customer id", async () => {
    const ran = await ocsgwWith("CUST-77", "audit", "search", "-c", config, "--json", "--customer-stdin");
    expect(foundBy(ran).requests.map(({ action }) => action)).toEqual(["RequestRecordCancel"]);
  });

  it("does not search a number in the open, and does not show it again", async () => {
    const ran = await search("4155550142");
    expect([ran.code, ran.stdout]).toEqual([2, ""]);
    expect(ran.stderr).toContain("--phone-stdin");
    expect(ran.stderr).not.toContain("0142");
  });

  it("shows the place of a mistake", async () => {
    const ran = await search("status:200 tenat:x");
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain("  status:200 tenat:x\n             ^^^^^\n  did you mean tenant:?");
  });

  it.each([
    ["action:DoNotCal", "did you mean DoNotCall?"],
    ["OCSGW-9999", "known here: OCSGW-1001"],
    ["kind:dnc", "known here: intent"],
  ])("refuses %s, which is no finding", async (filter, help) => {
    const before = (await accesses()).length;
    const ran = await search(filter);
    expect([ran.code, ran.stdout]).toEqual([2, ""]);
    expect(ran.stderr).toContain(help);
    const out = join(gateway.dir, "typo.zip");
    expect((await ocsgw("audit", "export", filter, "-c", config, "--as", "bundle", "--out", out)).code).toBe(2);
    expect((await api(filter)).status).toBe(400);
    expect(await accesses()).toHaveLength(before);
  });

  it("refuses times that exclude each other, also where options and the filter are mixed", async () => {
    for (const args of [
      ["--since", "1h", "--until", "2h"],
      ["since:1h", "--until", "2h"],
      ["until:2h", "--since", "2026-01-01T12:00:00+02:00", "time:now"],
    ]) {
      const ran = await search(...args);
      expect([ran.code, ran.stderr]).toEqual([2, expect.stringContaining("no entry can fit")]);
    }
    expect((await search("--since", "2020-01-01T12:00:00+02:00", "--until", "2999-01-01")).code).toBe(0);
  });

  it("warns of names that nobody knows, in text, JSON and over the API", async () => {
    const warning = "tenant:Alpha: there is no such tenant in the config or in the journal; did you mean Alpha Tenant?";
    const [text, json, answer] = [
      await ocsgw("audit", "search", "-c", config, "tenant:Alpha"),
      await search("tenant:Alpha"),
      await api("tenant:Alpha"),
    ];
    expect([text.code, text.stderr]).toEqual([0, expect.stringContaining(`warning: ${warning}`)]);
    expect(JSON.parse(json.stdout)).toMatchObject({ requests: [], warnings: [warning] });
    expect(await answer.json()).toMatchObject({ requests: [], warnings: [warning] });
    expect(
      JSON.parse((await search("tenant:Alpha Tenant", "source:127.0.0.1", "listener:clients")).stdout),
    ).toMatchObject({ warnings: [] });
  });

  it("prints every time so that a filter takes it", async () => {
    const { stdout } = await ocsgw("audit", "search", "-c", config, "action:DoNotCall");
    const [time] = stdout.split(/\s/);
    expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(foundBy(await search(`time:${time}`, "action:DoNotCall")).requests).toHaveLength(1);
  });

  it("cannot tell when its time is over", async () => {
    const ran = await search("lane:nobody*", "--timeout", "1ms");
    expect([ran.code, ran.stdout]).toEqual([8, ""]);
    expect(ran.stderr).toMatch(/the search (?:was stopped|index is being)/);
    expect((await search("--timeout", "soon")).code).toBe(2);
  });

  describeWith(["python3"], "on a terminal", (python) => {
    it("asks for the number and for the purpose, and names the person behind sudo", async () => {
      const program =
        "import pty, sys, os\npid, fd = pty.fork()\nif pid == 0: os.execv(sys.argv[1], sys.argv[1:])\nfor word, " +
        "answer in ((b'phone number:', b'4155550142\\n'), (b'Purpose,', b'complaint 77\\n')):\n  seen = b''\n  while " +
        "word not in seen: seen += os.read(fd, 1024)\n  os.write(fd, answer)\ntry:\n  while os.read(fd, 1024): " +
        "pass\nexcept OSError: pass\nsys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))";
      const ran = await run(
        python!,
        [
          "-c",
          program,
          process.execPath,
          join(root, "src/cli/main.ts"),
          "audit",
          "search",
          "-c",
          config,
          "--phone-stdin",
        ],
        { env: { SUDO_USER: "alice" } },
      );
      expect([ran.code, ran.stderr]).toEqual([8, ""]);
      expect((await accesses()).at(-1)).toMatchObject({
        operation: "look-up",
        purpose: "complaint 77",
        results: 1,
        behind: { sudo: "alice" },
      });
    });
  });

  it("records a look-up also where the config has no admin listener", async () => {
    const other = join(gateway.dir, "other.yaml");
    const { stringify } = await import("yaml");
    await writeFile(other, stringify(twoTenants(ocs.url), { aliasDuplicateObjects: false }));
    const before = (await accesses()).length;
    expect((await ocsgwWith("4155550100", "audit", "search", "-c", other, "--json", "--phone-stdin")).code).toBe(8);
    expect((await accesses()).length).toBe(before + 1);
  });

  it("explains one request, with the line that decided", async () => {
    const [refused] = foundBy(await search("is:refused", "client:alpha")).requests;
    const ran = await ocsgw("explain", refused!.id!, "-c", config);
    expect(ran.code).toBe(0);
    expect(ran.stdout).toMatch(/^\S{26}   403 gateway   OCSGW-2103   not sent to OCS\n/);
    expect(ran.stdout).toMatch(/scope +deny +OCSGW-2103/);
    expect(ran.stdout).toMatch(/decided by .*ocsgw\.yaml:\d+:\d+ {2}tenants\[0\]\.name\n/);
    expect(ran.stdout).not.toContain("has changed since");
    await appendFile(config, "# another hash\n");
    const json = JSON.parse((await ocsgw("explain", refused!.id!, "-c", config, "--json")).stdout) as {
      decided_by: { config_then: string; config_now: string };
    };
    expect(json.decided_by.config_then).not.toBe(json.decided_by.config_now);
  });

  it("explains nothing that is not there", async () => {
    expect((await ocsgw("explain", "01ZZZZZZZZZZ", "-c", config)).code).toBe(1);
    expect((await ocsgw("explain", "no id", "-c", config)).code).toBe(2);
  });

  it("exports a person's Do-Not-Calls as a bundle that verifies, has no number and has an entry", async () => {
    const out = join(gateway.dir, "dnc.zip");
    const ran = await ocsgwWith(
      "4155550100",
      "audit",
      "export",
      "action:DoNotCall",
      "-c",
      config,
      "--phone-stdin",
      "--as",
      "bundle",
      "--out",
      out,
      "--purpose",
      "complaint 12",
      "--json",
    );
    expect([ran.code, JSON.parse(ran.stdout)]).toMatchObject([0, { requests_and_events: 3 }]);
    const verified = await ocsgw("audit", "verify", out, "--key", gateway.gateway.verifierKey, "--json");
    expect([verified.code, JSON.parse(verified.stdout)]).toMatchObject([
      0,
      { verdict: "ok", events: 4, proved: 4, sequences: [{ dbid: 101, first: 1, last: 2, said: 2, complete: true }] },
    ]);
    expect((await readFile(out)).includes("555010")).toBe(false);
    expect((await accesses()).at(-1)).toMatchObject({
      operation: "export",
      purpose: "complaint 12",
      dnc: { "ocs/101": 2, "ocs/102": 1 },
    });
    expect((await ocsgw("audit", "export", "-c", config, "--as", "bundle", "--out", out)).code).toBe(2);
  });

  it("lists the Do-Not-Calls that OCS has not taken, in the terminal, over the API and as a number", async () => {
    await ask("alpha", "/phones/4155550199?req=DoNotCall", '{"GSW_TENANT_NAME":"Beta Tenant"}');
    await gateway.journal();
    const ran = await ocsgw("audit", "dnc", "-c", config, "--json");
    const expected = {
      open: [
        { tenant_dbid: 101, number: "······0100", tries: 1 },
        { tenant_dbid: 101, number: "······0199", tries: 1, ended: "refused OCSGW-2103" },
      ],
    };
    expect([ran.code, JSON.parse(ran.stdout)]).toMatchObject([0, expected]);
    const admin = gateway.gateway.admin!;
    expect(
      await (await fetch(`${admin}/api/dnc/open`, { headers: { Authorization: "Bearer token" } })).json(),
    ).toMatchObject(expected);
    const open = '\nocsgw_dnc_open{tenant="Alpha Tenant"} 2\n';
    const metrics = async (): Promise<string> => (await fetch(`${admin}/metrics`)).text();
    for (let tries = 0; tries < 100 && !(await metrics()).includes(open); tries++)
      await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await metrics()).toContain(open);
  });

  it("says so when an export holds nothing but the record of itself", async () => {
    const out = join(gateway.dir, "none.zip");
    const ran = await ocsgw("audit", "export", "client:nobody", "-c", config, "--as", "bundle", "--out", out, "--json");
    expect(JSON.parse(ran.stdout)).toMatchObject({
      requests_and_events: 1,
      fitting: 0,
      warnings: ["client:nobody: there is no such client in the config or in the journal"],
    });
    const text = await ocsgw("audit", "export", "client:nobody", "-c", config, "--as", "csv", "--out", "-");
    expect(text.stderr).toContain("nothing found: no entry of the journal matches the filter");
    expect(text.stderr).toContain("warning: client:nobody: there is no such client");
  });

  it("exports a table and lines, to a file or to standard output", async () => {
    const csv = await ocsgw("audit", "export", "tenant:102", "-c", config, "--as", "csv", "--out", "-");
    expect([csv.code, csv.stdout.split("\r\n").length]).toEqual([0, 3]);
    const out = join(gateway.dir, "all.ndjson");
    expect((await ocsgw("audit", "export", "-c", config, "--as", "ndjson", "--out", out)).code).toBe(0);
    expect((await readFile(out, "utf8")).split("\n").length).toBeGreaterThan(10);
    expect((await ocsgw("audit", "export", "-c", config, "--as", "pdf", "--out", out)).code).toBe(2);
  });

  it("verifies a segment, and cannot tell of what is neither journal nor bundle", async () => {
    expect(
      (
        await ocsgw(
          "audit",
          "verify",
          join(gateway.dir, "audit/segments/000000000000.jsonl"),
          "--key",
          gateway.gateway.verifierKey,
        )
      ).code,
    ).toBe(0);
    expect(await ocsgw("audit", "verify", config)).toMatchObject({
      code: 8,
      stdout: expect.stringContaining("is not a journal") as string,
    });
  });

  it("records the look-up itself when no gateway runs, and the journal verifies", async () => {
    await gateway.gateway.stop("test");
    const before = (await accesses()).length;
    const ran = await ocsgwWith(
      "4155550100",
      "audit",
      "search",
      "-c",
      config,
      "--json",
      "--phone-stdin",
      "--purpose",
      "audit of the year",
    );
    expect([ran.code, foundBy(ran).requests.length]).toEqual([8, 2]);
    expect((await accesses()).slice(before)).toMatchObject([{ purpose: "audit of the year" }]);
    expect((await ocsgw("audit", "verify", "-c", config)).code).toBe(0);
  });
});
