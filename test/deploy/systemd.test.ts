/** The units as shipped, on a systemd booted for them, by the commands of src/docs/operations/systemd.md. */
import { cp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { root } from "../kit/command.ts";
import { describeAllowed } from "../kit/machine.ts";
import { bootSystemd, type Machine } from "./booted.ts";
import { certificates } from "./kit.ts";

// Each command starts a process of its own, and the machine may be busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const machine = await bootSystemd();
afterAll(() => machine?.stop());

/** The commands below a heading, block by block. */
const commandsOf = (page: string, heading: string): readonly string[] => {
  const section = page.split(/^## /m).find((each) => each.startsWith(`${heading}\n`))!;
  return [...section.matchAll(/^```sh[^\n]*\n([^]*?)^```$/gm)].map(([, block]) => block!);
};

/** Two tenants with one DBID. */
const INVALID = ["name: Beta Tenant\n    dbid: 102", "name: Beta Tenant\n    dbid: 101"] as const;
const CONFIG = "/etc/ocsgw/ocsgw.yaml";

const needed = "a bootable systemd (root, control groups, namespaces)";

describeAllowed(machine !== undefined, needed, "the units on a systemd", () => {
  const { run, sh, path } = machine ?? ({} as Machine);
  const show = async (property: string): Promise<string> =>
    (await sh(`systemctl show --value -p ${property} ocsgw`)).trim();
  /** The service may be reading a file again that has just changed. */
  const active = (): Promise<void> =>
    vi.waitFor(
      async () => {
        const { stdout } = await run("systemctl", "is-active", "ocsgw.socket", "ocsgw.service");
        expect(stdout).toBe("active\nactive\n");
      },
      { timeout: 10_000, interval: 100 },
    );
  const log = (): Promise<string> => sh("journalctl -u ocsgw --no-pager -o cat");
  const changed = async (from: string, to: string): Promise<void> => {
    const text = await readFile(path(CONFIG), "utf8");
    expect(text).toContain(from);
    await writeFile(path(CONFIG), text.replace(from, to));
  };
  const newCertificate = async (): Promise<void> => {
    const made = await certificates("gw.example");
    await cp(made, path("/root"), { recursive: true, force: true });
    await rm(made, { recursive: true });
  };
  const serial = (): Promise<string> =>
    sh("openssl s_client -connect 127.0.0.1:8443 < /dev/null 2> /dev/null | openssl x509 -noout -serial");
  let daily: readonly string[] = [];
  let mending: readonly string[] = [];
  let moving: readonly string[] = [];

  beforeAll(async () => {
    const page = await readFile(join(root, "src/docs/operations/systemd.md"), "utf8");
    const [files, config, units] = commandsOf(page, "Install");
    daily = commandsOf(page, "Every day");
    mending = commandsOf(page, "When it does not start");
    moving = commandsOf(page, "Other addresses");
    expect([daily, mending, moving].map(({ length }) => length)).toEqual([4, 1, 1]);
    await newCertificate();
    for (const block of [files, config, units]) await sh(`cd /root\n${block}`);
  });

  it("start as the page installs them, and are active once the gateway serves", async () => {
    await active();
    // "Started" comes after the listeners: whoever waits for the unit can connect.
    const listening = ["admin", "clients"].map((name) => `"listener":"${name}"[^}]*"socket":"passed by systemd"`);
    expect(await log()).toMatch(new RegExp(`${listening.join("[^]*")}[^]*Started ocsgw\\.service`));
    const status = /^(serving|not ready: .*); config [0-9a-f]{12}/;
    await vi.waitFor(async () => expect(await show("StatusText")).toMatch(status), { timeout: 10_000, interval: 200 });
  });

  it("reload five times of five, and say what is in force", async () => {
    for (let time = 0; time < 5; time++) await sh("systemctl reload ocsgw");
    expect((await log()).match(/^Reloaded ocsgw\.service/gm)).toHaveLength(5);
  });

  it("take a renewed certificate with its key by a reload, in the same process", async () => {
    const [before, pid] = [await serial(), await show("MainPID")];
    await newCertificate();
    await sh("cd /root && install -m 0600 server.crt server.key /etc/ocsgw/tls/");
    for (const block of daily.slice(0, 1)) await sh(block);
    await vi.waitFor(async () => expect(await serial()).not.toBe(before), { timeout: 10_000 });
    expect(await show("MainPID")).toBe(pid);
    // Nobody else can read the copies, and of the key before none is left.
    expect(await sh("stat -Lc '%a %U' /run/ocsgw/tls/server.key")).toMatch(/^400 (?!root)/);
    expect(await sh("ls -d /run/ocsgw/tls-* | wc -l")).toBe("1\n");
  });

  it("refuse a config that is not valid, and go on with the one before", async () => {
    await changed(...INVALID);
    expect((await run("systemctl", "reload", "ocsgw")).code).toBe(1);
    expect(await log()).toMatch(/OCSGW-\d{4}[^]*Reload failed for ocsgw\.service/);
    await active();
    await changed(INVALID[1], INVALID[0]);
    await sh("systemctl reload ocsgw");
  });

  const commands = async (...all: readonly string[]): Promise<void> => {
    for (const command of all) await sh(`ocsgw ${command} -c ${CONFIG}`);
  };

  it("let root's commands work while the service runs", async () => {
    for (const block of daily.slice(2, 3)) await sh(block);
    await commands("keys create --client beta-crm", "revoke --client beta-ops", "audit dnc");
    await active();
  });

  it("let root's commands work while the service is stopped, and start after them", async () => {
    await sh(daily[3]!);
    expect([await show("ActiveState"), await show("Result")]).toEqual(["inactive", "success"]);
    expect((await run("ls", "/run/ocsgw")).code).not.toBe(0);
    await commands("check", "audit verify", "keys create --client beta-ops", "revoke --client beta-ops --lift");
    await sh("systemctl start ocsgw.socket ocsgw.service");
    await active();
  });

  it("refuse no connection over a restart", async () => {
    await writeFile(path("/run/knock.mjs"), KNOCK);
    await sh("systemctl reset-failed");
    const output = await sh(`/opt/ocsgw/node_modules/.bin/node /run/knock.mjs '${daily[1]!.trim()}'`);
    const results = JSON.parse(output) as Readonly<Record<string, number>>;
    expect(results["401"]).toBeGreaterThan(50);
    expect(results["ECONNREFUSED"] ?? 0).toBe(0);
  });

  it("start again after a crash", async () => {
    const pid = await show("MainPID");
    await sh(`kill -KILL ${pid}`);
    const state = async (): Promise<string> => `${await show("ActiveState")} ${await show("NRestarts")}`;
    await vi.waitFor(async () => expect(await state()).toBe("active 1"), { timeout: 20_000, interval: 200 });
    expect(await show("MainPID")).not.toBe(pid);
  });

  it.each([
    ["a config that is not valid", ...INVALID],
    ["a socket at another address than the listener", "bind: 127.0.0.1:8443", "bind: 127.0.0.1:8445"],
  ])("do not try for ever with %s, and start when it is mended", async (_title, right, wrong) => {
    await changed(right, wrong);
    expect((await run("systemctl", "restart", "ocsgw")).code).toBe(1);
    const state = [await show("ActiveState"), await show("ExecMainStatus"), await show("NRestarts")];
    expect(state).toEqual(["failed", "3", "0"]);
    // A client that waits starts it again, and not for ever.
    const client = run("openssl", "s_client", "-connect", "127.0.0.1:8443");
    const socket = async (): Promise<string> => (await run("systemctl", "show", "-p", "Result", "ocsgw.socket")).stdout;
    const failed = "Result=trigger-limit-hit\n";
    await vi.waitFor(async () => expect(await socket()).toBe(failed), { timeout: 60_000, interval: 500 });
    await client;
    await changed(wrong, right);
    for (const block of mending) await sh(block);
    await active();
  });

  it("move to another address, both together", async () => {
    await changed("bind: 127.0.0.1:8443", "bind: 127.0.0.1:8446");
    await sh("sed -i s/127.0.0.1:8443/127.0.0.1:8446/ /etc/systemd/system/ocsgw.socket");
    for (const block of moving) await sh(block);
    await active();
    expect(await log()).toContain(
      '"listener":"clients","address":"https://127.0.0.1:8446","socket":"passed by systemd"',
    );
  });
});

/** New TLS connections, one every few milliseconds, while a command runs: how often each result came. */
const KNOCK = `
import { spawn } from "node:child_process";
import { connect } from "node:tls";

const attempt = () => new Promise((resolve) => {
  let answer = "";
  const socket = connect({ port: 8443, host: "127.0.0.1", rejectUnauthorized: false }, () =>
    socket.write("GET /campaigngroups HTTP/1.1\\r\\nHost: 127.0.0.1:8443\\r\\nConnection: close\\r\\n\\r\\n"));
  socket.on("data", (chunk) => (answer += chunk)).on("error", ({ code }) => resolve(code));
  socket.on("close", () => resolve(answer.split(" ")[1] ?? "closed"));
});
const attempts = [];
const timer = setInterval(() => attempts.push(attempt()), 5);
const report = async () => {
  clearInterval(timer);
  const results = {};
  for (const result of await Promise.all(attempts)) results[result] = (results[result] ?? 0) + 1;
  console.log(JSON.stringify(results));
};
const command = spawn("sh", ["-c", process.argv[2]], { stdio: ["ignore", "ignore", "inherit"] });
command.once("exit", () => setTimeout(report, 300));
`;
