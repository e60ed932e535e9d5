import { spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import type { Recorded } from "../../src/journal/entry.ts";
import { announce, record } from "../kit/announcing.ts";
import { ocsgw, ocsgwWith, root, run } from "../kit/command.ts";
import { basic, twoTenants } from "../kit/gateway.ts";
import { hasNamespaces, lockHolder, OTHER_NAMESPACE } from "../kit/lock-holder.ts";
import { describeIf } from "../kit/machine.ts";
import { rawOcs, type RawOcs } from "../kit/raw-ocs.ts";
import { furnish, runGateway, type RunningGateway } from "../kit/running-gateway.ts";

let dir: string;
let ocs: RawOcs;
const closing: (() => unknown)[] = [];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocsgw-writer-"));
  ocs = await rawOcs();
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  await ocs.close();
  await rm(dir, { recursive: true, force: true });
});

const config = (): string => join(dir, "ocsgw.yaml");
const furnishWith = async (over: object = {}): Promise<void> => {
  const made = twoTenants(ocs.url);
  Object.assign(made.upstreams["ocs"] as object, { callbacks: { bind: "127.0.0.1:0", allow_from: ["127.0.0.1"] } });
  for (const tenant of made.tenants as { records: string }[]) tenant.records = "pre-dial";
  await furnish(dir, { ...made, ...over }, ["alpha", "beta"]);
};
const begin = async (): Promise<RunningGateway> => {
  const gateway = await runGateway(dir, ["clients", "callbacks:ocs"]);
  closing.push(() => gateway.kill("SIGKILL"));
  return gateway;
};
const doNotCall = async (url: string, phone: number): Promise<number> =>
  (
    await fetch(`${url}/phones/${phone}?req=DoNotCall`, {
      method: "POST",
      body: "{}",
      headers: { Authorization: basic("alpha"), "Content-Type": "application/json" },
    })
  ).status;
const useHandle = async (url: string, handle: number): Promise<number> =>
  (
    await fetch(`${url}/records/${handle}?req=UpdateCallCompletionStats`, {
      method: "POST",
      body: "{}",
      headers: { Authorization: basic("alpha"), "Content-Type": "application/json" },
    })
  ).status;
const entries = async (): Promise<Recorded[]> => {
  const names = (await readdir(join(dir, "audit/segments"))).filter((name) => name.endsWith(".jsonl")).toSorted();
  const text = (await Promise.all(names.map((name) => readFile(join(dir, "audit/segments", name), "utf8")))).join("");
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Recorded);
};
const accesses = async () => (await entries()).flatMap((entry) => (entry.kind === "access" ? [entry] : []));

type Launched = {
  readonly log: () => string;
  readonly signal: (signal: NodeJS.Signals) => Promise<void>;
  readonly gone: Promise<number | null>;
};

const MAIN = join(root, "src/cli/main.ts");

/**
 * `ocsgw run`, whose end may come before it listens. `by`: as what it is started; the pid in its log is then not that
 * of this namespace.
 */
const launch = (args: readonly string[] = [], by: readonly string[] = []): Launched => {
  const [command, ...rest] = [...by, process.execPath, MAIN, "run", ...args, "-c", config()];
  const child = spawn(command!, rest, {
    cwd: root,
    env: { ...process.env, OCSGW_LOG: "info" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  child.stderr.on("data", (chunk: Buffer) => (log += chunk.toString()));
  const gone = new Promise<number | null>((resolve) => child.once("close", resolve));
  closing.push(() => (child.kill("SIGKILL"), gone));
  const pid = async (): Promise<number> =>
    by.length === 0
      ? child.pid!
      : Number((await readFile(`/proc/${child.pid}/task/${child.pid}/children`, "utf8")).trim());
  return { log: () => log, signal: async (signal) => void process.kill(await pid(), signal), gone };
};
const standby = (): Launched => launch(["--standby"]);
const addressIn = (log: string, listener: string): string | undefined =>
  new RegExp(`"listener":"${listener}","address":"([^"]*)"`).exec(log)?.[1];
/** The value of the metric at this address of probes. */
const serving = async (probes: string): Promise<string | undefined> =>
  /^ocsgw_serving (\d)$/m.exec(await (await fetch(`${probes}/metrics`)).text())?.[1];
const waits = (one: Launched): Promise<void> =>
  expect.poll(() => one.log(), { timeout: 60_000 }).toContain('"event":"standbyWaiting"');

describe("a second gateway on the directory of another", { timeout: 120_000 }, () => {
  it("is refused by name, and the first one goes on", async () => {
    await furnishWith();
    const first = await begin();
    const second = await ocsgw("run", "-c", config());
    expect(second.code).toBe(1);
    expect(second.stderr).toContain(`is open already, by ocsgw run, pid ${first.pid} on `);
    expect(second.stderr).toContain("--standby");
    expect(await doNotCall(first.urls.get("clients")!, 4155550100)).toBe(200);
  });

  it("starts at once when the first one was killed, whoever has its pid now", async () => {
    await furnishWith();
    const first = await begin();
    await first.kill("SIGKILL");
    // As left by a version before, whose holder's number another process has.
    await rm(join(dir, "audit/lock"), { recursive: true });
    await writeFile(join(dir, "audit/lock"), `${process.ppid} a-boot-long-ago:12\n`);
    const again = await begin();
    expect(await doNotCall(again.urls.get("clients")!, 4155550100)).toBe(200);
  });
});

describeIf(
  hasNamespaces(),
  "unshare, and user namespaces that it may make",
  "gateways and commands in containers, where each is pid 1",
  () => {
    it("lose no Do-Not-Call and no look-up", { timeout: 240_000 }, async () => {
      await furnishWith();
      const first = launch([], OTHER_NAMESPACE);
      await expect.poll(() => addressIn(first.log(), "clients"), { timeout: 60_000 }).toBeDefined();
      const url = addressIn(first.log(), "clients")!;
      const refused = await run(OTHER_NAMESPACE[0], [
        ...OTHER_NAMESPACE.slice(1),
        process.execPath,
        MAIN,
        "run",
        "-c",
        config(),
      ]);
      expect([refused.code, refused.stderr]).toEqual([
        1,
        expect.stringContaining("by ocsgw run, pid 1 of another container or pid namespace, host name ") as string,
      ]);
      const asked = Array.from({ length: 40 }, (_, at) => 4155550100 + at);
      const inContainer = (input: string, ...args: readonly string[]) =>
        run(OTHER_NAMESPACE[0], [...OTHER_NAMESPACE.slice(1), process.execPath, MAIN, ...args, "-c", config()], {
          input,
        });
      const [statuses, searched, exported] = await Promise.all([
        Promise.all(asked.map((phone) => doNotCall(url, phone))),
        inContainer("4155550100\n", "audit", "search", "--phone-stdin", "--purpose", "case 7"),
        inContainer("", "audit", "export", "action:DoNotCall", "--as", "bundle", "--out", join(dir, "bundle.zip")),
      ]);
      expect(new Set(statuses)).toEqual(new Set([200]));
      expect([searched.code, exported.code]).toEqual([0, 0]);
      await first.signal("SIGTERM");
      await first.gone;
      const all = await entries();
      expect(all.filter(({ kind }) => kind === "intent").length).toBe(40);
      expect((await accesses()).map(({ operation, purpose }) => [operation, purpose])).toEqual(
        expect.arrayContaining([
          ["look-up", "case 7"],
          ["export", undefined],
        ]),
      );
      expect(
        (await ocsgw("audit", "verify", join(dir, "audit"), "--key", join(dir, "audit/checkpoint.pub"))).code,
      ).toBe(0);
    });

    it(
      "write nothing in the directory of a running gateway: a command on a read-only mount does all the same",
      { timeout: 120_000 },
      async () => {
        await furnishWith();
        const gateway = await begin();
        await doNotCall(gateway.urls.get("clients")!, 4155550100);
        const audit = join(dir, "audit");
        const readOnly = (input: string, ...args: readonly string[]) =>
          run(
            "unshare",
            [
              "--user",
              "--map-root-user",
              "--mount",
              "sh",
              "-c",
              `mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && ! touch "${audit}/x" 2>/dev/null ` +
                `&& exec "$@"`,
              "sh",
              audit,
              process.execPath,
              MAIN,
              ...args,
              "-c",
              config(),
            ],
            { input },
          );
        const search = await readOnly("4155550100\n", "audit", "search", "--json", "--phone-stdin");
        expect([search.code, search.stderr]).toEqual([0, expect.any(String)]);
        expect((JSON.parse(search.stdout) as { requests: { entries: Recorded[] }[] }).requests.length).toBe(1);
        expect(
          (
            await readOnly(
              "",
              "explain",
              (await entries()).flatMap((entry) => (entry.kind === "intent" ? [entry.id] : []))[0]!,
            )
          ).code,
        ).toBe(0);
        expect((await readOnly("", "audit", "dnc")).stderr).toBe("");
        expect((await readOnly("", "audit", "export", "--as", "ndjson", "--out", join(dir, "all.ndjson"))).code).toBe(
          0,
        );
        expect((await readOnly("", "revoke", "--client", "beta")).stderr).toContain("applied by the running gateway");
        expect((await accesses()).map(({ operation }) => operation)).toEqual(["look-up", "export"]);
        expect((await entries()).filter((entry) => entry.kind === "config" && entry.change === "revoked").length).toBe(
          1,
        );
      },
    );
  },
);

describe("commands", { timeout: 120_000 }, () => {
  it("take the lock themselves where no gateway runs, and leave it free", async () => {
    await furnishWith();
    await (await begin()).kill("SIGTERM");
    expect((await ocsgwWith("4155550100\n", "audit", "search", "-c", config(), "--phone-stdin")).code).toBe(0);
    const revoked = await ocsgw("revoke", "--client", "beta", "-c", config());
    expect([revoked.code, revoked.stderr]).toEqual([0, expect.stringContaining("written to the journal in") as string]);
    expect((await entries()).slice(-2)).toMatchObject([
      { kind: "access", operation: "look-up" },
      { kind: "config", change: "revoked" },
    ]);
    await begin();
  });

  it("say who has the journal when neither is possible, and show nothing", async () => {
    await furnishWith();
    await (await begin()).kill("SIGTERM");
    await cp(join(dir, "audit/segments"), join(dir, "held/segments"), { recursive: true });
    const holder = await lockHolder(join(dir, "held"));
    closing.push(holder.kill);
    const other = join(dir, "other.yaml");
    const made = twoTenants(ocs.url);
    await writeFile(
      other,
      stringify({ ...made, audit: { ...(made["audit"] as object), dir: "held" } }, { aliasDuplicateObjects: false }),
    );
    const before = await readdir(join(dir, "held"));
    const ran = await ocsgwWith("4155550100\n", "audit", "search", "-c", other, "--phone-stdin");
    expect([ran.code, ran.stdout]).toEqual([5, ""]);
    expect(ran.stderr).toContain(
      `could not be recorded, so nothing is shown: the journal in ${join(dir, "held")} is open already, by ocsgw ` +
        `test, pid ${holder.child.pid}`,
    );
    expect(await readdir(join(dir, "held"))).toEqual(before);
  });

  it("say that there is no journal where there is no directory", async () => {
    await furnishWith();
    const ran = await ocsgw("audit", "search", "-c", config());
    expect([ran.code, ran.stderr]).toEqual([
      8,
      `there is no journal in ${join(dir, "audit")}. If the gateway has another config, name it with -c\n`,
    ]);
  });

  it("reach a gateway whose directory has a path that no socket may have", async () => {
    const long = join("x".repeat(60), "y".repeat(60));
    await mkdir(join(dir, long), { recursive: true });
    const made = twoTenants(ocs.url);
    await furnishWith({ audit: { ...(made["audit"] as object), dir: join(long, "audit") } });
    await begin();
    expect((await ocsgwWith("4155550100\n", "audit", "search", "-c", config(), "--phone-stdin")).code).toBe(0);
    expect(await readdir(join(dir, long, "audit"))).toContain("commands.sock");
  });
});

describe("a standby", { timeout: 240_000 }, () => {
  const PROBES = { admin: { bind: "127.0.0.1:0", probes: { bind: "127.0.0.1:0" } } };

  it.each(["SIGKILL", "SIGTERM"] as const)(
    "takes over when the gateway ends by %s, with every handle unconfirmed, and before binds only the port of probes",
    async (signal) => {
      await furnishWith(PROBES);
      const first = await begin();
      const url = first.urls.get("clients")!;
      for (const handle of [1, 3, 5])
        expect((await announce(first.urls.get("callbacks:ocs")!, record(handle))).status).toBe(200);
      expect(await useHandle(url, 1)).toBe(200);
      expect(await doNotCall(url, 4155550100)).toBe(200);

      const second = standby();
      await waits(second);
      await expect.poll(() => addressIn(second.log(), "probes"), { timeout: 5000 }).toBeDefined();
      const probes = addressIn(second.log(), "probes")!;
      const ready = async (): Promise<unknown> => (await fetch(`${probes}/readyz`)).json();
      expect([
        (await fetch(`${probes}/readyz`)).status,
        await ready(),
        (await fetch(`${probes}/healthz`)).status,
        await serving(probes),
      ]).toEqual([503, { status: "standby" }, 200, "0"]);
      expect([...second.log().matchAll(/"listener":"([^"]*)"/g)].map(([, name]) => name)).toEqual(["probes"]);

      await first.kill(signal);
      const ended = performance.now();
      await expect.poll(() => addressIn(second.log(), "clients"), { timeout: 30_000, interval: 20 }).toBeDefined();
      const took = performance.now() - ended;
      const now = addressIn(second.log(), "clients")!;
      // As after a restart: OCS has not said yet that it is still the same.
      for (const handle of [1, 3, 5]) expect([handle, await useHandle(now, handle)]).toEqual([handle, 503]);
      expect((await announce(addressIn(second.log(), "callbacks:ocs")!, record(7))).status).toBe(200);
      for (const handle of [1, 3, 5]) expect([handle, await useHandle(now, handle)]).toEqual([handle, 200]);
      await expect.poll(ready).toEqual({ status: "ready" });
      expect(await serving(probes)).toBe("1");
      expect((await entries()).filter(({ kind }) => kind === "start").length).toBe(2);
      // 2 s on a machine that has nothing else to do.
      expect(took).toBeLessThan(20_000);
      await second.signal("SIGTERM");
      expect(await second.gone).toBe(0);
      expect(
        (await ocsgw("audit", "verify", join(dir, "audit"), "--key", join(dir, "audit/checkpoint.pub"))).code,
      ).toBe(0);
    },
  );

  it("takes over from a gateway that lost its lock, which ends with a message and writes nothing more", async () => {
    await furnishWith(PROBES);
    const first = launch();
    await expect.poll(() => addressIn(first.log(), "clients"), { timeout: 30_000 }).toBeDefined();
    expect(await doNotCall(addressIn(first.log(), "clients")!, 4155550100)).toBe(200);
    const second = standby();
    await waits(second);
    await rm(join(dir, "audit/lock"), { recursive: true });
    expect(await first.gone).toBe(1);
    expect(first.log()).toContain(
      "The gateway lost the lock of its journal and stops within 5 s, so that another gateway can take over",
    );
    expect(first.log()).toContain(
      "the gateway has stopped, because it lost exclusive access to its journal: the lock's file in audit.dir was " +
        "removed or replaced",
    );
    await expect.poll(() => addressIn(second.log(), "clients"), { timeout: 30_000 }).toBeDefined();
    expect(await doNotCall(addressIn(second.log(), "clients")!, 4155550101)).toBe(200);
    await second.signal("SIGTERM");
    expect(await second.gone).toBe(0);
    expect((await entries()).map(({ index }) => index)).toEqual((await entries()).map((_, index) => index));
    expect((await ocsgw("audit", "verify", join(dir, "audit"), "--key", join(dir, "audit/checkpoint.pub"))).code).toBe(
      0,
    );
  });

  it("ends on SIGTERM without a change, and takes over with the config file as it is then", async () => {
    await furnishWith();
    const first = await begin();
    const [stopped, leads] = [standby(), standby()];
    await Promise.all([waits(stopped), waits(leads)]);
    const before = (await entries()).length;
    await stopped.signal("SIGTERM");
    expect(await stopped.gone).toBe(0);
    expect((await entries()).length).toBe(before);
    await furnishWith({ listeners: [{ name: "clients", bind: "127.0.0.2:0", tls: "none" }] });
    await first.kill("SIGKILL");
    await expect.poll(() => addressIn(leads.log(), "clients"), { timeout: 30_000 }).toContain("127.0.0.2");
  });

  it("goes on with the config that it started with where the file is not valid any more", async () => {
    await furnishWith();
    const first = await begin();
    const leads = standby();
    await waits(leads);
    await writeFile(config(), "listeners: 7\n");
    await first.kill("SIGKILL");
    await expect.poll(() => addressIn(leads.log(), "clients"), { timeout: 30_000 }).toContain("127.0.0.1");
    expect(leads.log()).toContain("The config file cannot be used for the takeover");
  });

  it("is probed once its probes' address is free, where it shares machine and config with the gateway", async () => {
    const holder = await ocsPort();
    await furnishWith({ admin: { bind: "127.0.0.1:0", probes: { bind: `127.0.0.1:${holder.port}` } } });
    await holder.close();
    const first = await begin();
    const second = standby();
    await waits(second);
    expect(second.log()).toContain("This standby cannot open admin.probes yet");
    expect((await ocsgw("healthcheck", "-c", config())).stdout).toBe("ready\n");
    await first.kill("SIGKILL");
    await expect
      .poll(async () => (await fetch(`http://127.0.0.1:${holder.port}/readyz`).catch(() => undefined))?.status, {
        timeout: 30_000,
      })
      .toBe(200);
  });
});

/** A port that is free in a moment. */
const ocsPort = async (): Promise<{ readonly port: number; readonly close: () => Promise<void> }> => {
  const other = await rawOcs();
  return { port: Number(new URL(other.url).port), close: () => other.close() };
};
