import { cp, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { request } from "undici";
import { parse, stringify } from "yaml";
import type { LearnReport } from "../../../src/cli/learn/report.ts";
import { ocsgw, type Ran } from "../../kit/command.ts";
import { aGateway, basic, twoTenants, type TestGateway } from "../../kit/gateway.ts";
import { rawOcs, type RawOcs } from "../../kit/raw-ocs.ts";

let ocs: RawOcs;
let gateway: TestGateway;

const call = async (as: string, path: string, body = ""): Promise<void> => {
  const reply = await request(`${gateway.url}${path}`, { method: "POST", headers: { Authorization: basic(as) }, body });
  await reply.body.dump();
};

const times = async (count: number, work: (number: number) => Promise<void>): Promise<void> => {
  for (let done = 0; done < count; done++) await work(done);
};

beforeAll(async () => {
  ocs = await rawOcs();
  const { audit, tenants } = twoTenants(ocs.url) as unknown as {
    audit: { checkpoint: object };
    tenants: [object, object];
  };
  const [{ checkpoint }, [alpha, beta]] = [audit, tenants];
  gateway = await aGateway({
    ...twoTenants(ocs.url),
    audit: { ...audit, checkpoint: { ...checkpoint, every: "1s" } },
    tenants: [
      { ...alpha, mode: "observe", clients: { alpha: { actions: [] }, idle: { actions: ["AddRecord"] } } },
      beta,
    ],
  });
  const fields = '{"COLOUR":"red"}';
  await times(6, () => call("alpha", "/phones/4155550177?req=DoNotCall", fields));
  await times(2, () => call("alpha", "/phones/4155550177?req=RequestRecordCancel"));
  // The journal only counts repeated refusals of one number.
  await times(5, (number) =>
    call("alpha", `/phones/415555018${number}?req=DoNotCall`, '{"GSW_CALLING_LIST":"New List"}'),
  );
  await times(5, (number) =>
    call("alpha", `/phones/415555019${number}?req=DoNotCall`, '{"GSW_CALLING_LIST":"Beta List"}'),
  );
  await call("alpha", "/phones/4155550177?req=DoNotCall", '{"GSW_TENANT_DBID":102}');
  await call("beta", "/phones/4155550177?req=DoNotCall");
  await call("nobody", "/phones/4155550177?req=DoNotCall");
  await gateway.journal();
  // What a checkpoint covers cannot be missing unnoticed.
  await vi.waitFor(
    async () => {
      expect((await readdir(join(gateway.dir, "audit/checkpoints"))).some((name) => Number(name) > 20)).toBe(true);
    },
    { timeout: 10_000, interval: 100 },
  );
});
afterAll(async () => {
  await gateway.stop();
  await ocs.close();
});

const FILE = (): string => join(gateway.dir, "ocsgw.yaml");
const learn = (...args: readonly string[]): Promise<Ran> => ocsgw("learn", "-c", FILE(), ...args);
const report = async (...args: readonly string[]): Promise<LearnReport> =>
  JSON.parse((await learn("--json", ...args)).stdout) as LearnReport;

/** A copy of the config beside it, so that its relative paths lead to the same files. */
const aCopy = async (name: string, change = (text: string): string => text): Promise<string> => {
  const file = join(gateway.dir, name);
  await writeFile(file, change(await readFile(FILE(), "utf8")), { mode: 0o640 });
  return file;
};

describe("ocsgw learn", () => {
  it("prints a diff with the evidence of each change, and what it leaves open", async () => {
    const { code, stdout, stderr } = await learn();
    expect(stderr).toBe("");
    expect(code).toBe(0);
    const id = "[0-9A-Z]{26}";
    for (const line of [
      /^8 requests of 1 observing tenant since \S+Z; the journal begins at /,
      /^-        actions: \[\]\n\+        actions: \[DoNotCall\]$/m,
      new RegExp(
        `^  \\+ clients\\.alpha\\.actions: DoNotCall  \\(6 requests, \\S+Z.*, e\\.g\\. ${id} ${id} ${id}\\)$`,
        "m",
      ),
      /^ {2}- clients\.idle\.actions: AddRecord {2}\(not seen\)$/m,
      /^ {2}= fields: \[COLOUR\] {2}\(6 requests, /m,
      /^ {4}clients\.alpha\.actions: RequestRecordCancel {2}\(2 requests, /m,
      /^ {4}list New List: no tenant has it\. If it is this tenant's, --accept-names adds it {2}\(5 requests, /m,
      /^ {4}list Beta List: CONFLICT: it belongs to "Beta Tenant" {2}\(5 requests, /m,
      /^ {4}no limits are proposed: \d+ requests are too few/m,
      /^ {7}1 {2}OCSGW-2001 identity: no usable credential; nobody \(claimed\), e\.g\. /m,
      /^ {7}1 {2}OCSGW-2103 other tenant: .*; alpha DoNotCall on phones of Alpha Tenant, e\.g\. /m,
      /^Not used: 1 request of tenants that are not learned\.$/m,
    ])
      expect(stdout).toMatch(line);
    expect(stdout).not.toContain("4155550177");
  });

  it("gives programs the same as JSON", async () => {
    const { complete, tenants, never, written, problems } = await report();
    expect({ complete, written, problems }).toEqual({ complete: true, written: [], problems: [] });
    expect(tenants).toMatchObject([
      {
        tenant: "Alpha Tenant",
        requests: 8,
        rare: [{ key: "clients.alpha.actions", value: "RequestRecordCancel", evidence: { requests: 2 } }],
        names: [
          { kind: "list", name: "New List", verdict: "may be added" },
          { kind: "list", name: "Beta List", verdict: "another tenant's", detail: '"Beta Tenant"' },
        ],
        would_refuse: { "OCSGW-2101": { requests: 8 } },
      },
    ]);
    expect(never.map(({ code, kind }) => `${code} ${kind}`).toSorted()).toEqual([
      "OCSGW-2001 identity",
      "OCSGW-2103 other tenant",
    ]);
  });

  it("writes the config, valid and with its mode, and then nothing changes any more", async () => {
    const file = await aCopy("written.yaml");
    const { code, stdout } = await ocsgw("learn", "-c", file, "--write", "--min-requests", "1");
    expect([code, stdout]).toEqual([0, expect.stringContaining(`Written: ${file}. Next: ocsgw simulate`)]);
    expect((await stat(file)).mode & 0o777).toBe(0o640);
    const simulated = await ocsgw("simulate", "-c", file, "--json");
    expect(JSON.parse(simulated.stdout)).toMatchObject({ changes: [], recorded: [{ to: "allow" }, { to: "allow" }] });
    const again = await ocsgw("learn", "-c", file, "--min-requests", "1");
    expect(again.stdout).toMatch(/^No change\.$/m);
  });

  it("also enforces, and removes a client without actions", async () => {
    const file = await aCopy("enforced.yaml");
    expect((await ocsgw("learn", "-c", file, "--write", "--enforce", "--accept-names")).code).toBe(0);
    const text = await readFile(file, "utf8");
    expect(text).toContain("mode: enforce");
    expect(text).not.toContain("idle:");
    expect(text).toMatch(/lists:[\s[-]+Alpha List[\s,-]+New List\b/);
    expect(text).not.toMatch(/Alpha List[^]*Beta List[^]*name: Beta Tenant/);
    expect((await ocsgw("check", "-c", file)).code).toBe(0);
    expect((await ocsgw("learn", "-c", file)).stderr).toMatch(/^nothing to learn: no tenant has mode: observe/);
  });

  it("writes a new file with --out, and never over one that is there", async () => {
    const out = join(gateway.dir, "out.yaml");
    const before = await readFile(FILE(), "utf8");
    expect((await learn("--out", out)).stdout).toContain(`Written: ${out}.`);
    expect(await readFile(out, "utf8")).toContain("fields: [COLOUR]");
    expect(await readFile(FILE(), "utf8")).toBe(before);
    expect(await learn("--out", out)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`${out} exists already`) as string,
    });
  });

  it("does not write a config that its own policy tests reject", async () => {
    const test = '\ntests:\n  - { as: idle, do: "POST /lists/Alpha%20List?req=AddRecord", expect: OCSGW-1007 }\n';
    const file = await aCopy("tested.yaml", (text) => text + test);
    const before = await readFile(file, "utf8");
    const { code, stderr } = await ocsgw("learn", "-c", file, "--write");
    expect([code, stderr]).toEqual([3, expect.stringContaining("is not valid, so nothing was written")]);
    expect(stderr).toContain("OCSGW-6272");
    expect(await readFile(file, "utf8")).toBe(before);
    expect((await ocsgw("learn", "-c", file, "--write", "--add-only")).code).toBe(0);
  });

  it("changes a tenant in the file of tenants.d that it is in", async () => {
    const dir = join(gateway.dir, "split");
    await cp(join(gateway.dir, "keys.yaml"), join(dir, "keys.yaml"));
    await cp(join(gateway.dir, "checkpoint.pem"), join(dir, "checkpoint.pem"));
    const { tenants, ...rest } = parse(await readFile(FILE(), "utf8")) as { tenants: [object, object] };
    const [file, part] = [join(dir, "ocsgw.yaml"), join(dir, "tenants.d/alpha.yaml")];
    await mkdir(join(dir, "tenants.d"));
    const main = stringify({
      ...rest,
      audit: { ...(rest as { audit: object }).audit, dir: "../audit" },
      tenants: [tenants[1]],
    });
    await writeFile(file, main);
    await writeFile(part, `# Alpha\n${stringify({ tenants: [tenants[0]] })}`);
    expect((await ocsgw("learn", "-c", file, "--out", join(dir, "out.yaml"))).code).toBe(2);
    expect((await ocsgw("learn", "-c", file, "--write")).stdout).toContain(`Written: ${part}.`);
    expect(await readFile(file, "utf8")).toBe(main);
    expect(await readFile(part, "utf8")).toMatch(/^# Alpha\n[^]*actions: \[DoNotCall\]/);
  });

  it("writes no new file into another folder, where its relative paths would lead elsewhere", async () => {
    expect(await learn("--out", "/tmp/never/out.yaml")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("name a file in the folder of the config") as string,
    });
  });

  it.each([
    ["a period that is none", ["--since", "soon"], 2, /^--since: expected a duration/],
    ["an unknown tenant", ["--tenant", "Gamma"], 2, /the config has no tenant "Gamma"/],
    ["a tenant that enforces", ["--tenant", "102"], 2, /"Beta Tenant" has no mode: observe/],
    ["two places to write to", ["--write", "--out", "x"], 2, /exclude each other/],
    ["no journal", ["--journal", "/nonexistent"], 8, /^cannot tell: there is no journal in \/nonexistent/],
  ])("names %s", async (_, args, code, message) => {
    const ran = await learn(...args);
    expect([ran.code, ran.stderr]).toEqual([code, expect.stringMatching(message)]);
  });
});

/** A journal beside the config, of which something is changed. */
const damaged = async (name: string, damage: (text: string) => string, ...args: readonly string[]): Promise<Ran> => {
  const journal = join(gateway.dir, name);
  await cp(join(gateway.dir, "audit"), journal, {
    recursive: true,
    filter: (path) => !/lock|commands\.sock/.test(path),
  });
  const segment = join(journal, "segments/000000000000.jsonl");
  await writeFile(segment, damage(await readFile(segment, "utf8")));
  return learn("--journal", journal, ...args);
};

describe("a journal that does not have the whole period", () => {
  const linesOf = (text: string): string[] => text.trimEnd().split("\n");
  it.each([
    [
      "a changed line",
      (text: string) => text.replace('"client":"alpha"', '"client":"beta"'),
      /the line of entry \d+ is not as it was written/,
    ],
    ["a line that is not JSON", (text: string) => text.replace('"kind":"intent"', '"kind":"intent'), /cannot be read/],
    [
      "missing lines at its end",
      (text: string) => `${linesOf(text).slice(0, 5).join("\n")}\n`,
      /entries 5 to \d+ are missing/,
    ],
  ])("gives no proposal: %s", async (name, damage, message) => {
    const { code, stdout, stderr } = await damaged(name.replaceAll(" ", "-"), damage);
    expect([code, stdout, stderr]).toEqual([8, "", expect.stringMatching(message)]);
    expect(stderr).toMatch(/^cannot tell: /);
  });

  it("adds what was seen when asked to, removes nothing, and is never taken for complete", async () => {
    const cut = (text: string): string => `${linesOf(text).slice(0, 14).join("\n")}\n`;
    const { code, stdout } = await damaged("cut", cut, "--add-only");
    expect([code, stdout]).toEqual([8, expect.stringMatching(/^not complete: entries 14 to \d+ are missing/m)]);
    expect(stdout).toContain("+        actions: [DoNotCall]");
    expect(stdout).not.toMatch(/^ {2}- /m);
  });
});
