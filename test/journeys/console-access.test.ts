/** Who may look: curl with cookies, as a browser and as an attacker, against a gateway in a process of its own. */
import { spawn } from "node:child_process";
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { ocsgw, ocsgwWith, run, startSandbox } from "../kit/command.ts";
import { startGateway, type GatewayProcess } from "../kit/gateway-process.ts";
import { aConfigured, twoTenants } from "../kit/gateway.ts";
import { rawOcs, type RawOcs } from "../kit/raw-ocs.ts";
import { testAuthority } from "../kit/certificates.ts";
import type { Recorded } from "../../src/journal/entry.ts";

const PASSWORD = "three yellow ducks";
const SOON = { timeout: 10_000, interval: 50 };

let ocs: RawOcs;
let dir: string;
let config: string;
let gateway: GatewayProcess;
let admin: string;
let token: string;

const admins = (...args: readonly string[]) =>
  ocsgwWith(`${PASSWORD}\n`, "admins", args[0]!, "-c", config, ...args.slice(1));

/** Changes the users, and waits until the gateway has read them. */
const change = async (...args: readonly string[]): Promise<void> => {
  const reloads = (): number => gateway.log().split('"event":"filesReloaded"').length;
  const before = reloads();
  expect((await admins(...args)).code).toBe(0);
  await vi.waitFor(() => expect(reloads()).toBeGreaterThan(before), SOON);
};

beforeAll(async () => {
  ocs = await rawOcs();
  dir = await aConfigured({ ...twoTenants(ocs.url), admin: { bind: "127.0.0.1:0", users: { file: "admins.yaml" } } }, [
    "alpha",
    "beta",
  ]);
  config = join(dir, "ocsgw.yaml");
  expect((await admins("create", "--name", "alice", "--role", "operator")).code).toBe(0);
  expect((await admins("create", "--name", "bob", "--role", "viewer", "--tenant", "Alpha Tenant")).code).toBe(0);
  gateway = await startGateway(config);
  admin = (await readFile(join(dir, "audit/admin.url"), "utf8")).trim();
  token = (await readFile(join(dir, "audit/admin.token"), "utf8")).trim();
}, 60_000);
afterAll(async () => {
  await gateway?.end("SIGTERM");
  await ocs?.close();
  await rm(dir, { recursive: true, force: true });
});

type Answer = { readonly status: number; readonly headers: string; readonly body: string };

const curl = async (path: string, ...args: readonly string[]): Promise<Answer> => {
  const { stdout, stderr } = await run("curl", ["-sS", "-i", "-m", "20", ...args, `${admin}${path}`]);
  const end = stdout.lastIndexOf("\r\n\r\n");
  if (end < 0) throw new Error(`curl: ${stderr}`);
  return {
    status: Number(/HTTP\/1\.1 (?!100)(\d+)/.exec(stdout)?.[1]),
    headers: stdout.slice(0, end),
    body: stdout.slice(end + 4),
  };
};

const json = (value: unknown): readonly string[] => [
  "-H",
  "Content-Type: application/json",
  "-d",
  JSON.stringify(value),
];
const jarOf = (name: string): string => join(dir, `${name}.cookies`);
const own = (): readonly string[] => ["-H", `Origin: ${admin}`, "-H", "Sec-Fetch-Site: same-origin"];

/** Logs in with a cookie jar of its own; resolves to curl's options for later requests. */
const logIn = async (
  name: string,
  jar = jarOf(name),
): Promise<{ read: readonly string[]; write: readonly string[] }> => {
  const { status, body } = await curl("/api/session", "-c", jar, ...own(), ...json({ name, password: PASSWORD }));
  expect([status, body]).toEqual([200, expect.stringContaining(`"name":"${name}"`)]);
  const { csrf } = JSON.parse(body) as { csrf: string };
  const read = ["-b", jar, ...own()];
  return { read, write: [...read, "-H", `Ocsgw-Csrf: ${csrf}`] };
};

const journal = async (): Promise<readonly Recorded[]> => {
  const segments = join(dir, "audit/segments");
  const texts = await Promise.all(
    (await readdir(segments))
      .filter((name) => name.endsWith(".jsonl"))
      .map((name) => readFile(join(segments, name), "utf8")),
  );
  return texts
    .join("")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Recorded);
};
const accesses = async () => (await journal()).filter((entry) => entry.kind === "access");

describe("a user with a browser", () => {
  it("logs in, reads, changes and logs out; the journal has each login before its reply", async () => {
    const { read, write } = await logIn("alice");
    expect((await accesses()).at(-1)).toMatchObject({
      user: "alice",
      role: "operator",
      operation: "login",
      source: "127.0.0.1",
    });
    const cookies = await readFile(jarOf("alice"), "utf8");
    expect(cookies).toMatch(/^#HttpOnly_127\.0\.0\.1\tFALSE\t\/\tFALSE\t0\tocsgw-\d+\t[\w-]{43}$/m);
    expect((await curl("/api/status", ...read)).status).toBe(200);
    const dryRun = json({ dry_run: true });
    expect((await curl("/api/reload", ...read, ...dryRun)).status).toBe(403);
    expect((await curl("/api/reload", ...write, ...dryRun)).status).toBe(200);
    expect((await curl("/api/session", "-X", "DELETE", ...write)).status).toBe(200);
    expect((await curl("/api/status", ...read)).status).toBe(401);
    expect((await accesses()).at(-1)).toMatchObject({ user: "alice", operation: "logout" });
  });

  it("with one tenant sees nothing of the whole gateway, and a viewer changes nothing", async () => {
    const { read, write } = await logIn("bob");
    expect(JSON.parse((await curl("/api/session", ...read)).body)).toMatchObject({ tenants: [101], roles: ["viewer"] });
    for (const path of ["/api/status", "/metrics", "/api/integrity"])
      expect((await curl(path, ...read)).status, path).toBe(403);
    const flows = JSON.parse((await curl("/api/flows?filter=kind:start%20OR%20-tenant:101", ...read)).body) as object;
    expect(flows).toEqual({ requests: [], next: null, warnings: [] });
    expect((await curl("/api/reload", ...write, ...json({ dry_run: true }))).status).toBe(403);
  });

  it("who is disabled is logged out at once, with every open stream", async () => {
    await change("create", "--name", "carol", "--role", "viewer");
    const { read } = await logIn("carol");
    const stream = spawn("curl", ["-sSN", ...read, `${admin}/api/flows/stream`], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    let text = "";
    stream.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
    const ended = new Promise<void>((resolve) => stream.once("close", () => resolve()));
    await vi.waitFor(() => expect(text).toContain("event: begin"), SOON);
    await change("disable", "--name", "carol");
    await ended;
    expect((await curl("/api/status", ...read)).status).toBe(401);
    expect((await curl("/api/session", ...own(), ...json({ name: "carol", password: PASSWORD }))).status).toBe(401);
    await change("enable", "--name", "carol");
    expect((await curl("/api/status", ...read)).status, "the old session stays over").toBe(401);
    await logIn("carol");
  });

  it("who gets another password is logged out at once", async () => {
    await change("create", "--name", "dave", "--role", "viewer");
    const { read } = await logIn("dave");
    await change("password", "--name", "dave");
    expect((await curl("/api/status", ...read)).status).toBe(401);
    await logIn("dave");
  });
});

describe("an attacker", () => {
  const attempt = json({ name: "alice", password: PASSWORD });
  type Row = readonly [why: string, args: (url: URL) => readonly string[], status: number, error: RegExp];
  it.each<Row>([
    [
      "rebinds a name of theirs to this address",
      ({ port }) => ["-H", `Host: evil.example:${port}`],
      421,
      /not configured here/,
    ],
    [
      "rebinds a name, and says the right Origin",
      ({ host, port }) => ["-H", `Host: evil.example:${port}`, "-H", `Origin: http://${host}`],
      421,
      /not configured/,
    ],
    ["uses the right name with another port", () => ["-H", "Host: 127.0.0.1:1"], 421, /not configured here/],
    ["sends from a page of another site", () => ["-H", "Origin: https://evil.example"], 403, /another site/],
    ["sends from a sandboxed frame", () => ["-H", "Origin: null"], 403, /another site/],
    [
      "sends from another port of this machine",
      () => ["-H", "Origin: http://127.0.0.1:3000", "-H", "Sec-Fetch-Site: same-site"],
      403,
      /another site/,
    ],
    ["sends from another site without Origin", () => ["-H", "Sec-Fetch-Site: cross-site"], 403, /another site/],
    [
      "sends two Origins",
      ({ host }) => ["-H", `Origin: http://${host}`, "-H", "Origin: https://evil.example"],
      403,
      /several Origin/,
    ],
  ])("who %s gets nothing, with the right password and with a session", async (_, argsOf, status, error) => {
    const { write } = await logIn("alice", jarOf("victim"));
    const session = write.filter((each) => !/^(?:Origin|Sec-Fetch-Site):/.test(each) && each !== "-H");
    const [cookies, csrf] = [session.slice(0, 2), session.at(-1)!];
    const args = argsOf(new URL(admin));
    for (const [path, more] of [
      ["/api/session", attempt],
      ["/api/session", [...cookies]],
      ["/api/status", [...cookies]],
      ["/api/reload", [...cookies, "-H", csrf, ...json({ dry_run: true })]],
    ] as const) {
      const answer = await curl(path, ...args, ...more);
      expect([answer.status, JSON.parse(answer.body)], path).toEqual([status, { error: expect.stringMatching(error) }]);
      expect(answer.headers).not.toMatch(/set-cookie|access-control-allow/i);
    }
    expect((await curl("/api/session", "-X", "DELETE", ...write)).status).toBe(200);
  });

  it("gets no answer to a preflight request that would allow one", async () => {
    const answer = await curl("/api/reload", "-X", "OPTIONS", "-H", "Access-Control-Request-Method: POST");
    expect(answer.status).toBe(405);
    expect(answer.headers).not.toMatch(/access-control-allow/i);
  });

  it.each<readonly [string, readonly string[], number]>([
    ["a password of 64 KiB", json({ name: "alice", password: "x".repeat(65_536) }), 400],
    ["a password with a NUL", json({ name: "alice", password: `${PASSWORD}\0` }), 401],
    ["a name with a NUL", json({ name: "alice\0", password: PASSWORD }), 401],
    ["a form", ["-d", `name=alice&password=${PASSWORD}`], 400],
    ["two names", ["-d", `{"name":"bob","name":"nobody","password":"${PASSWORD}"}`], 400],
    ["a body that is not UTF-8", ["--data-binary", "@/bin/true"], 400],
  ])("gets no session with %s", async (_, args, status) => {
    const answer = await curl("/api/session", ...own(), ...args);
    expect(answer.status).toBe(status);
    expect(answer.headers).not.toMatch(/set-cookie/i);
  });

  it(
    "guesses a few passwords, and the user who logged in from here before is not locked out",
    { timeout: 60_000 },
    async () => {
      const urls = (count: number): string => `${admin}/api/session?[1-${count}]`;
      const guess = [
        "-H",
        "Content-Type: application/json",
        "-d",
        JSON.stringify({ name: "mallory", password: "wrong" }),
      ];
      const { stdout } = await run("curl", [
        "-s",
        "-o",
        "/dev/null",
        "-w",
        "%{http_code} ",
        ...guess,
        urls(200).replace("?", "#"),
      ]);
      const codes = stdout.trim().split(" ");
      expect(codes).toHaveLength(200);
      expect(codes.filter((code) => code === "401").length).toBeLessThanOrEqual(10);
      expect(codes.at(-1)).toBe("429");
      const late = await curl("/api/session", ...guess);
      expect(late.headers).toMatch(/retry-after: \d+/i);
      await logIn("alice");
    },
  );
});

describe("the metrics", () => {
  it("need the admin token, or a user of the whole gateway, once there are users", async () => {
    expect((await curl("/metrics")).status).toBe(401);
    expect((await curl("/metrics", "-H", "Authorization: Bearer wrong")).status).toBe(401);
    const scraped = await curl("/metrics", "-H", `Authorization: Bearer ${token}`);
    expect([scraped.status, scraped.body]).toEqual([200, expect.stringContaining("ocsgw_config_info")]);
    expect((await curl("/metrics", ...(await logIn("alice")).read)).status).toBe(200);
    expect((await curl("/healthz")).status).toBe(200);
  });
});

describe("a one-time link", () => {
  it("is made by ocsgw admins link, and opens one session", async () => {
    const { code, stdout, stderr } = await ocsgw("admins", "link", "-c", config);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/#k=[\w-]{43}\n$/)]);
    expect(stderr).toContain("within 10 minutes");
    const redeem = json({ token: stdout.trim().split("#k=")[1] });
    const first = await curl("/api/session/link", "-c", jarOf("link"), ...own(), ...redeem);
    expect([first.status, JSON.parse(first.body)]).toEqual([
      200,
      expect.objectContaining({ roles: ["viewer", "operator", "auditor"], tenants: "all", via: "session" }),
    ]);
    expect((await curl("/api/status", "-b", jarOf("link"))).status).toBe(200);
    expect((await curl("/api/session/link", ...own(), ...redeem)).status).toBe(401);
    expect((await accesses()).slice(-2)).toEqual([
      expect.objectContaining({ operation: "login-by-link", user: expect.stringMatching(/ \(link\)$/) as string }),
      expect.objectContaining({ operation: "login-failed", reason: "invalid link" }),
    ]);
  });

  it("is in the sandbox's ready file and on its screen", { timeout: 60_000 }, async () => {
    const sandbox = await startSandbox();
    try {
      const { url, console } = sandbox.ready.admin!;
      expect(console).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#k=[\w-]{43}$/);
      expect(console.startsWith(`${url}/#k=`)).toBe(true);
      expect(sandbox.screen()).toContain(console);
      const body = JSON.stringify({ token: console.split("#k=")[1] });
      const redeem = () => fetch(`${url}/api/session/link`, { method: "POST", body });
      const [first, second] = [await redeem(), await redeem()];
      expect([first.status, second.status]).toEqual([200, 401]);
      expect(await first.json()).toMatchObject({ name: "sandbox (link)" });
      expect((await fetch(`${url}/metrics`)).status, "without users they are as open as before").toBe(200);
      expect(sandbox.log()).not.toContain(console.split("#k=")[1]);
    } finally {
      await sandbox.stop();
      await sandbox.remove();
    }
  });
});

describe("over TLS", () => {
  it("the cookie is for https and this host alone", { timeout: 60_000 }, async () => {
    const authority = testAuthority("console CA");
    const { certPem, keyPem } = authority.issue({ names: ["localhost", "127.0.0.1"], usage: "serverAuth" });
    const tls = { cert: "admin.pem", key: "admin.key" };
    const at = await aConfigured(
      { ...twoTenants(ocs.url), admin: { bind: "127.0.0.1:0", tls, users: { file: "admins.yaml" } } },
      ["alpha", "beta"],
      { "admin.pem": certPem, "admin.key": keyPem, "ca.pem": authority.certPem },
    );
    const secured = join(at, "ocsgw.yaml");
    const made = await ocsgwWith(
      `${PASSWORD}\n`,
      "admins",
      "create",
      "-c",
      secured,
      "--name",
      "alice",
      "--role",
      "viewer",
    );
    expect(made.code).toBe(0);
    const over = await startGateway(secured);
    try {
      const url = (await readFile(join(at, "audit/admin.url"), "utf8")).trim();
      const jar = join(at, "cookies");
      const { stdout } = await run("curl", [
        "-sSi",
        "--cacert",
        join(at, "ca.pem"),
        "-c",
        jar,
        "-H",
        `Origin: ${url}`,
        ...json({ name: "alice", password: PASSWORD }),
        `${url}/api/session`,
      ]);
      expect(stdout).toMatch(/Set-Cookie: __Host-ocsgw-\d+=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Secure\r\n/i);
      const status = await run("curl", ["-sS", "--cacert", join(at, "ca.pem"), "-b", jar, `${url}/api/status`]);
      expect(status.stdout).toContain('"version"');
    } finally {
      await over.end("SIGTERM");
      await rm(at, { recursive: true, force: true });
    }
  });
});

describe("afterwards", () => {
  it("the failed logins can be searched", async () => {
    const found = await ocsgw("audit", "search", "kind:access", "action:login-failed", "--json", "-c", config);
    expect([found.code, found.stderr]).toEqual([0, ""]);
    expect(found.stdout).toContain('"reason":"unknown user"');
    expect(found.stdout).toContain('"source":"127.0.0.1"');
  });

  it("no password, token, cookie or unknown name is in the log or the journal", async () => {
    const cookie = /\t([\w-]{43})$/m.exec(await readFile(jarOf("alice"), "utf8"))![1]!;
    const entries = JSON.stringify(await journal());
    for (const text of [gateway.log(), entries])
      for (const secret of [PASSWORD, token, cookie, "mallory", "argon2"]) expect(text).not.toContain(secret);
    expect(entries).toContain('"operation":"login"');
  });
});
