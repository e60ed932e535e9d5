/**
 * A gateway and the witnesses of two auditors as processes of their own: what is cosigned, what `verify` says, and what
 * a restored copy looks like.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { cp, readFile, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { readEntries } from "../../src/journal/read/read-entries.ts";
import { ocsgw, run } from "../kit/command.ts";
import { aConfigured, basic, twoTenants } from "../kit/gateway.ts";
import { startGateway, type GatewayProcess } from "../kit/gateway-process.ts";
import { until } from "../kit/witness.ts";

const MAIN = join(import.meta.dirname, "../../src/cli/main.ts");

type Running = {
  readonly url: string;
  readonly key: string;
  readonly log: () => string;
  readonly end: (signal: NodeJS.Signals) => Promise<number | null>;
};

const startWitness = async (dir: string, name: string, ...more: readonly string[]): Promise<Running> => {
  const child: ChildProcess = spawn(
    process.execPath,
    [MAIN, "witness", "--key", join(dir, `${name}.pem`), "--state", join(dir, name), ...more],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  let [out, log] = ["", ""];
  child.stdout!.setEncoding("utf8").on("data", (chunk: string) => (out += chunk));
  child.stderr!.setEncoding("utf8").on("data", (chunk: string) => (log += chunk));
  await until(() => /^key /m.test(out) || child.exitCode !== null, 20_000);
  if (child.exitCode !== null) throw new Error(log);
  const [, url, key] = /^listening (\S+)\nkey (\S+)\n/.exec(out)!;
  return {
    url: url!,
    key: key!,
    log: () => log,
    end: async (signal) => {
      if (child.exitCode === null && child.signalCode === null) {
        const gone = once(child, "exit");
        child.kill(signal);
        await gone;
      }
      return child.exitCode;
    },
  };
};

let [dir, away] = ["", ""];
let witnesses: Running[] = [];
let gateway: GatewayProcess | undefined;
const config = (): string => join(dir, "ocsgw.yaml");
const audit = (...names: string[]): string => join(dir, "audit", ...names);
const port = (running: Running): string => new URL(running.url).port;

beforeAll(async () => {
  away = await aConfigured(twoTenants("http://127.0.0.1:9"), []);
  witnesses = await Promise.all(
    ["one", "two"].map((name) => startWitness(away, name, "--bind", "127.0.0.1:0", "--name", `${name}.test/audit`)),
  );
  const base = twoTenants("http://127.0.0.1:9");
  const { checkpoint, ...rest } = base["audit"] as { checkpoint: object };
  dir = await aConfigured(
    {
      ...base,
      admin: { bind: "127.0.0.1:0" },
      audit: {
        ...rest,
        checkpoint: {
          ...checkpoint,
          every: "200ms",
          witnesses: witnesses.map(({ url, key }) => ({ url, key })),
          witness_quorum: 2,
        },
      },
    },
    ["alpha", "beta"],
  );
}, 60_000);
afterEach(async () => {
  await gateway?.end("SIGKILL");
  gateway = undefined;
});
afterAll(async () => {
  for (const running of witnesses) await running.end("SIGKILL");
  for (const each of [dir, away]) await rm(each, { recursive: true, force: true });
});

const ask = async (): Promise<number> => {
  const { status } = await fetch(`http://127.0.0.1:${gateway!.port}/phones/4155550100?req=DoNotCall`, {
    method: "POST",
    headers: { authorization: basic("alpha"), "content-type": "application/json" },
    body: "{}",
  });
  return status;
};
const cosignedSizes = async (): Promise<number[]> =>
  (await readdir(audit("checkpoints")))
    .filter((name) => name.endsWith(".cosigned"))
    .map((name) => Number.parseInt(name, 10))
    .toSorted((one, other) => one - other);
const isFull = async (size: number): Promise<boolean> =>
  (await readFile(audit("checkpoints", `${String(size).padStart(12, "0")}.cosigned`), "utf8")).split("— ").length === 4;
const verified = (...more: string[]) => ocsgw("audit", "verify", "-c", config(), ...more);

describe("a gateway with two witnesses", { timeout: 180_000 }, () => {
  it("serves while no witness knows it, says so, and is cosigned once they do", async () => {
    gateway = await startGateway(config());
    expect(await ask()).toBe(503);
    await until(() => gateway!.log().includes("Too few witnesses cosign the journal"), 20_000);
    expect(gateway.log()).toContain("it does not know this journal (404)");
    expect(witnesses[0]!.log()).toContain("no journal is configured");
    expect(await verified("--require-witnesses")).toMatchObject({
      code: 8,
      stdout: expect.stringContaining("2 witnesses are required, but no checkpoint has enough cosignatures") as string,
    });
    expect((await verified()).code).toBe(0);
    // What each auditor does: a line of the journal's keys, without a restart.
    for (const name of ["one", "two"]) await cp(audit("checkpoint.pub"), join(away, name, "logs.txt"));
    await until(async () => {
      const last = (await cosignedSizes()).at(-1);
      return last !== undefined && isFull(last);
    }, 20_000);
    await ask();
    await until(() => gateway!.log().includes("Enough witnesses cosign the journal again"), 20_000);
    await gateway.end("SIGTERM");
    const reasons = (await Array.fromAsync(readEntries(audit()))).flatMap((entry) =>
      entry.kind === "alarm" ? [entry.reason] : [],
    );
    expect(reasons).toContain("too few witnesses cosign the journal");
    const report = await verified("--require-witnesses");
    expect([report.code, report.stdout]).toEqual([
      0,
      expect.stringMatching(/witness {5}one\.test\/audit\+\w{8} cosigned the first \d+ entries at \d{4}-/),
    ]);
    expect(report.stdout).toMatch(/quorum {6}2 of 2 witnesses required: met/);
    // Elsewhere, with nothing but what was given: a bundle, by the command and by the program in it.
    const out = join(dir, "b.zip");
    expect(
      (await ocsgw("audit", "export", "action:DoNotCall", "--as", "bundle", "--out", out, "-c", config())).code,
    ).toBe(0);
    expect(
      (await ocsgw("audit", "export", "action:DoNotCall", "--as", "bundle", "--out", join(dir, "b"), "-c", config()))
        .code,
    ).toBe(0);
    const [key] = (await readFile(audit("checkpoint.pub"), "utf8")).split("\n");
    const keys = ["--key", key!, ...witnesses.flatMap((each) => ["--witness", each.key])];
    const required = ["--require-witnesses", "--quorum", "2"];
    expect(await ocsgw("audit", "verify", out, ...keys, ...required)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        /witness {5}two\.test\/audit\+\w{8} cosigned the first \d+ entries of the journal/,
      ) as string,
    });
    expect((await ocsgw("audit", "verify", out, ...keys.slice(0, 4), ...required)).code).toBe(8);
    const program = join(dir, "b", "verify.mjs");
    expect(await run(process.execPath, [program, ...keys, ...required])).toMatchObject({ code: 0, stderr: "" });
    expect((await run(process.execPath, [program, ...keys.slice(0, 2), ...required])).code).toBe(8);
    expect((await run(process.execPath, [program, ...keys, "--quorum", "0"])).code).toBe(2);
    expect((await run(process.execPath, [program, ...keys, "--witness", join(dir, "none.pub")])).code).toBe(2);
    expect((await ocsgw("audit", "verify", audit(), ...keys, ...required)).code).toBe(0);
    expect((await ocsgw("audit", "verify", audit("segments", "000000000000.jsonl"), ...keys, ...required)).code).toBe(
      8,
    );
    expect((await ocsgw("audit", "verify", out, ...keys, "--kept", join(away, "one", "witness.pub"))).code).toBe(2);
    expect((await ocsgw("audit", "verify", audit(), ...keys, "--kept", join(away, "one", "witness.pub"))).code).toBe(8);
    expect(await ocsgw("audit", "verify", audit(), "--key", key!, "--witness", key!)).toMatchObject({
      code: 8,
      stdout: expect.stringContaining("is one that signs checkpoints (type 0x01)") as string,
    });
  });

  it("loses nothing when a witness is killed, and that one goes on from its record", async () => {
    gateway = await startGateway(config());
    await witnesses[1]!.end("SIGKILL");
    for (let round = 0; round < 5; round++) expect(await ask()).toBe(503);
    await until(() => gateway!.log().includes("does not cosign"), 20_000);
    const second = join(away, "two");
    const busy = await ocsgw(
      "witness",
      "--key",
      join(away, "one.pem"),
      "--state",
      join(away, "one"),
      "--bind",
      "127.0.0.1:0",
    );
    expect([busy.code, busy.stderr]).toEqual([1, expect.stringContaining("is in use by another ocsgw witness")]);
    const other = await ocsgw("witness", "--key", join(away, "one.pem"), "--state", second, "--bind", "127.0.0.1:0");
    expect([other.code, other.stderr]).toEqual([1, expect.stringContaining("the key") as string]);
    await rename(join(second, "logs"), join(second, "elsewhere"));
    const forgot = await ocsgw("witness", "--key", join(away, "two.pem"), "--state", second, "--bind", "127.0.0.1:0");
    expect([forgot.code, forgot.stderr]).toEqual([
      1,
      expect.stringContaining(`${join(second, "logs")} is missing`) as string,
    ]);
    await rename(join(second, "elsewhere"), join(second, "logs"));
    witnesses[1] = await startWitness(away, "two", "--bind", `127.0.0.1:${port(witnesses[1]!)}`);
    await until(async () => isFull((await cosignedSizes()).at(-1)!), 20_000);
    await gateway.end("SIGTERM");
    expect((await verified("--require-witnesses")).code).toBe(0);
  });

  it("is noticed when the whole machine was put back to an older copy, anchor and all", async () => {
    await cp(audit(), join(dir, "old"), { recursive: true, filter: (name) => !name.endsWith(".sock") });
    await cp(join(dir, "audit.anchor"), join(dir, "old.anchor"));
    gateway = await startGateway(config());
    for (let round = 0; round < 5; round++) await ask();
    await gateway.end("SIGTERM");
    const kept = (await readdir(join(away, "one", "logs"))).map((name) => join(away, "one", "logs", name));
    expect(await verified("--kept", kept[0]!)).toMatchObject({ code: 0 });
    await rm(audit(), { recursive: true });
    await rename(join(dir, "old"), audit());
    await rename(join(dir, "old.anchor"), join(dir, "audit.anchor"));
    // Everything here fits together, so nothing here can tell.
    expect((await verified()).code).toBe(0);
    expect(await verified("--kept", kept[0]!)).toMatchObject({
      code: 7,
      stdout: expect.stringMatching(/the journal ends after \d+ entries/) as string,
    });
    gateway = await startGateway(config());
    await until(() => gateway!.log().includes('"event":"witnessAhead"'), 20_000);
    for (let round = 0; round < 30; round++) await ask();
    await until(() => gateway!.log().includes('"event":"witnessContradiction"'), 20_000);
    await gateway.end("SIGTERM");
    expect(witnesses[0]!.log()).toContain("UNPROVED: test.example/journal signed a checkpoint of");
    const reasons = (await Array.fromAsync(readEntries(audit()))).flatMap((entry) =>
      entry.kind === "alarm" ? [entry.reason] : [],
    );
    expect(reasons).toEqual(
      expect.arrayContaining([
        "a witness cosigned more entries than this journal has",
        "a witness cosigned another history of this journal",
      ]),
    );
    expect((await verified("--require-witnesses")).code).toBe(8);
    expect(await witnesses[0]!.end("SIGTERM")).toBe(0);
  });
});
