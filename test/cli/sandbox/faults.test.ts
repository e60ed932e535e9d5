import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { faultAdd, faultClear, faultKinds, faultList, switchover } from "../../../src/cli/sandbox/faults.ts";
import type { Host } from "../../../src/cli/sandbox/control-client.ts";
import { KIND_NAMES } from "../../../src/sandbox/faults/kinds.ts";
import type { Fault } from "../../../src/sandbox/faults/faults.ts";
import { startSandboxOcs, type SandboxOcs } from "../../../src/sandbox/start.ts";
import { ocsgw } from "../../kit/command.ts";
import { patternOf } from "../../kit/pattern.ts";

let ocs: SandboxOcs;
beforeAll(async () => {
  ocs = await startSandboxOcs();
});
afterAll(async () => {
  await ocs.close();
});
beforeEach(async () => {
  await fetch(`${ocs.control}/reset`, { method: "POST" });
});

type Output = { code: number; stdout: string; stderr: string };
const outputOf = async (run: (host: Host) => Promise<number>): Promise<Output> => {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await run({ stdout: { write: (text) => out.push(text) }, stderr: { write: (text) => err.push(text) } });
  return { code, stdout: out.join(""), stderr: err.join("") };
};
const add = (options: Partial<Parameters<typeof faultAdd>[0]>): Promise<Output> =>
  outputOf((host) => faultAdd({ url: ocs.control, kind: "stall", ...options }, host));
const list = (json = false): Promise<Output> => outputOf((host) => faultList({ url: ocs.control, json }, host));

describe("the command line ocsgw sandbox fault", () => {
  it("adds a fault for the next request, lists how often it was applied, and clears it", async () => {
    const added = await ocsgw(
      "sandbox",
      "fault",
      "add",
      "status",
      "500",
      "--action",
      "DoNotCall",
      "--tenant",
      "Alpha Tenant",
      "--count",
      "2",
      "--probability",
      "1",
      "--seed",
      "7",
      "--for",
      "5m",
      "--url",
      ocs.control,
    );
    expect(added).toMatchObject({
      code: 0,
      stderr: "",
      stdout: expect.stringMatching(
        patternOf(
          /^fault f\d+ {2}status 500 {2}DoNotCall of Alpha Tenant {2}/,
          /next 2 of 2, 100 % by seed 7, for 5m: OCS's negative answer/,
        ),
      ) as string,
    });
    const answer = await fetch(`${ocs.primary.http}/phones/4155550100?req=DoNotCall`, {
      method: "POST",
      body: '{"GSW_TENANT_DBID":101}',
      headers: { "content-type": "application/json" },
    });
    expect([answer.status, answer.headers.get("warning")]).toEqual([500, "9015"]);
    const listed = await ocsgw("sandbox", "fault", "list", "--json", "--url", ocs.control);
    expect(JSON.parse(listed.stdout)).toMatchObject([
      { kind: "status", value: "500", seed: 7, fired: 1, remaining: 1, firings: [{ action: "DoNotCall" }] },
    ] satisfies unknown);
    expect(await ocsgw("sandbox", "fault", "clear", "--url", ocs.control)).toMatchObject({
      code: 0,
      stdout: "1 fault cleared\n",
    });
  });

  it("triggers a switchover", async () => {
    expect(await ocsgw("sandbox", "switchover", "--url", ocs.control)).toEqual({
      code: 0,
      stdout: "backup answers now\n",
      stderr: "",
    });
  });

  it("ends with 2 for wrong usage", async () => {
    expect((await ocsgw("sandbox", "fault", "add")).code).toBe(2);
    expect((await ocsgw("sandbox", "fault", "break", "--url", ocs.control)).code).toBe(2);
  });
});

describe("fault add", () => {
  it.each([
    [{ kind: "drip" }, `kind: expected one of ${KIND_NAMES.join(", ")}; found "drip"`],
    [{ kind: "slow" }, "value: expected a duration"],
    [{ kind: "status", value: "201" }, "value: expected a negative status"],
    [{ count: "many" }, 'count: expected a whole number from 1 to 1000000; found "many"'],
    [{ probability: "2" }, "probability: expected a number from 0 to 1; found 2"],
    [{ tenant: "Gamma Tenant" }, "tenant: expected one of Alpha Tenant (101), Beta Tenant (102)"],
    [{ seed: "3" }, "seed: give a probability too"],
    [{ for: "soon" }, "for: expected a duration"],
  ])("rejects %j with exit code 2 and says what was expected", async (options, message) => {
    expect(await add(options)).toEqual({ code: 2, stdout: "", stderr: expect.stringContaining(message) as string });
  });

  it("accepts a tenant's DBID, and prints JSON", async () => {
    const { code, stdout } = await add({ tenant: "102", probability: ".5", json: true });
    expect([code, JSON.parse(stdout)]).toMatchObject([
      0,
      { tenant: "Beta Tenant", probability: 0.5, seed: 1 } satisfies Partial<Fault>,
    ]);
  });
});

describe("fault list", () => {
  it("prints a table, or says that there are no faults", async () => {
    expect(await list()).toEqual({ code: 0, stdout: "", stderr: "no faults\n" });
    expect(JSON.parse((await list(true)).stdout)).toEqual([]);
    await add({ kind: "lost-reply", action: "AddRecord", count: "1" });
    await add({ kind: "close-idle" });
    const [head, ...rows] = (await list()).stdout
      .trimEnd()
      .split("\n")
      .map((line) => line.split(/ {2,}/));
    expect(head).toEqual(["id", "kind", "where", "how often", "state", "fired", "last"]);
    expect(rows.map((cells) => cells.slice(1))).toEqual([
      ["lost-reply", "AddRecord", "next 1 of 1", "on", "0", "-"],
      ["close-idle", "everywhere", "always", "over", "1", expect.stringMatching(/^\d{4}-/)],
    ]);
  });
});

describe("fault clear", () => {
  it("removes a fault by its id, and rejects an unknown id", async () => {
    await add({});
    await add({});
    const [first] = JSON.parse((await list(true)).stdout) as Fault[];
    expect(await outputOf((host) => faultClear({ url: `${ocs.control}/`, id: first!.id }, host))).toEqual({
      code: 0,
      stdout: "1 fault cleared\n",
      stderr: "",
    });
    expect(await outputOf((host) => faultClear({ url: ocs.control, id: first!.id }, host))).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("unknown fault; known: f") as string,
    });
  });
});

describe("fault kinds", () => {
  it("prints every kind with its value", async () => {
    const { stdout } = await outputOf(faultKinds);
    expect(
      stdout
        .trimEnd()
        .split("\n")
        .map((line) => line.split(" ")[0]),
    ).toEqual(KIND_NAMES);
    expect(stdout).toMatch(/^truncate {2,}.*\(value: a number of bytes, as in 20B or 1KiB\)$/m);
  });
});

describe("switchover", () => {
  it("with a gap says when the backup takes over, and rejects a gap that is no duration", async () => {
    expect(await outputOf((host) => switchover({ url: ocs.control, gap: "20ms" }, host))).toEqual({
      code: 0,
      stdout: "backup answers in 20ms\n",
      stderr: "",
    });
    expect(await outputOf((host) => switchover({ url: ocs.control, gap: "20" }, host))).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("gap: expected a duration") as string,
    });
  });
});

describe("without a sandbox at the URL", () => {
  let other: Server;
  afterAll(() => {
    other.close();
  });

  it("every fault command ends with 5, whether nothing or another server listens", async () => {
    other = createServer((_, response) => response.writeHead(404).end("<html>"));
    const port = await new Promise<number>((resolve) => {
      other.listen(0, "127.0.0.1", () => {
        resolve((other.address() as AddressInfo).port);
      });
    });
    const url = `http://127.0.0.1:${port}/sandbox`;
    expect(await outputOf((host) => faultList({ url }, host))).toMatchObject({
      code: 5,
      stderr: expect.stringContaining("it is not the control address of a sandbox") as string,
    });
    other.closeAllConnections();
    await new Promise((resolve) => {
      other.close(resolve);
    });
    for (const run of [
      (host: Host) => faultList({ url }, host),
      (host: Host) => faultClear({ url }, host),
      (host: Host) => switchover({ url }, host),
      (host: Host) => faultAdd({ url, kind: "stall" }, host),
    ]) {
      expect(await outputOf(run)).toMatchObject({
        code: 5,
        stdout: "",
        stderr: expect.stringContaining("connection refused; start ocsgw sandbox, or correct --url") as string,
      });
    }
  });

  it("an invalid URL is wrong usage", async () => {
    expect(await outputOf((host) => faultList({ url: "nowhere" }, host))).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--url: expected an address") as string,
    });
  });
});
