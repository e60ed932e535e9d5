/** Logging in and out, through the dispatcher: what a browser sends, and what an attacker would. */
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { SESSION_ROUTES } from "../../src/admin/api/session.ts";
import type { Person } from "../../src/admin/people/people.ts";
import { json } from "../../src/admin/replies.ts";
import { openRoute, route, type Route } from "../../src/admin/route.ts";
import { RouteTable } from "../../src/admin/route-table.ts";
import { dispatch } from "../../src/admin/routes.ts";
import { bySession } from "../../src/admin/sessions/by-session.ts";
import type { Sessions } from "../../src/admin/sessions/sessions.ts";
import { byToken, type Authenticate } from "../../src/admin/viewer.ts";
import { bytesOf, headerOf, type HeaderLine, type Reply } from "../../src/common/message.ts";
import { LOGIN_LIMITS } from "../../src/identity/login-throttle.ts";
import { anArrival, text } from "../kit/line.ts";
import { aPerson, cheapHash, PASSWORD, testSessions, TIMES } from "../kit/sessions.ts";

type Deps = { readonly sessions: Sessions; readonly whoAsks: Authenticate };

const any = { roles: ["viewer", "operator", "auditor"], summary: "", reply: z.unknown() } as const;
const answer = (_: Deps, { viewer }: { readonly viewer: { readonly name: string } }): Reply => json(200, viewer.name);
const ROWS: readonly Route<Deps>[] = [
  ...SESSION_ROUTES,
  openRoute({ ...any, roles: "anyone", method: "GET", path: "/", answer: () => json(200, "page") }),
  route({ ...any, method: "GET", path: "/api/read", scope: "by-tenant", answer }),
  route({ ...any, method: "GET", path: "/api/whole", scope: "whole-gateway", answer }),
  route({ ...any, roles: ["operator"], method: "POST", path: "/api/write", scope: "by-tenant", answer }),
  route({ ...any, roles: ["operator"], method: "DELETE", path: "/api/write", scope: "by-tenant", answer }),
];

const HOST = "127.0.0.1:9640";
const BROWSER = { Host: HOST, Origin: `http://${HOST}`, "Sec-Fetch-Site": "same-origin" };

type Asked = {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly source?: string;
};

/** `people`: null where the config names no users. */
const start = (people: readonly Person[] | null = [aPerson("alice", { roles: ["operator"] })], isTls = false) => {
  const kit = testSessions(people ?? undefined, isTls);
  const whoAsks = bySession(kit.sessions, byToken({ token: "secret", auditDir: "/audit" }));
  const handler = dispatch(new RouteTable(ROWS), { sessions: kit.sessions, whoAsks });
  const ask = (target: string, { method = "GET", headers = BROWSER, body, source = "127.0.0.1" }: Asked = {}) =>
    handler({
      ...anArrival({ method, target, headers: Object.entries(headers).filter(([, value]) => value !== undefined) }),
      source,
      body: () => Promise.resolve(bytesOf(typeof body === "string" ? body : JSON.stringify(body ?? ""))),
    });
  const logIn = (name = "alice", password = PASSWORD, over: Asked = {}): Promise<Reply> =>
    ask("/api/session", { method: "POST", body: { name, password }, ...over });
  return { ...kit, ask, logIn };
};

const valueOf = (reply: Reply): Record<string, unknown> => JSON.parse(text(reply)) as Record<string, unknown>;
const cookieOf = (reply: Reply): string => headerOf(reply.headers, "Set-Cookie")!.split(";", 1)[0]!;
const cookiesOf = (reply: Reply): readonly HeaderLine[] => reply.headers.filter(([name]) => name === "Set-Cookie");

/** Logs in; resolves to the headers of later requests. */
const session = async ({ logIn }: Pick<ReturnType<typeof start>, "logIn">, name = "alice") => {
  const reply = await logIn(name);
  expect(reply.status, text(reply)).toBe(200);
  const read = { ...BROWSER, Cookie: cookieOf(reply) };
  return { read, write: { ...read, "Ocsgw-Csrf": String(valueOf(reply)["csrf"]) }, id: cookieOf(reply).split("=")[1]! };
};

describe("a user of the console", () => {
  it("logs in, sees who they are, changes something and logs out", async () => {
    const gateway = start([aPerson("alice", { roles: ["operator", "viewer"], tenants: [101] })]);
    const reply = await gateway.logIn("Alice");
    const { csrf, ...told } = valueOf(reply);
    expect([reply.status, told]).toEqual([
      200,
      { name: "alice", roles: ["operator", "viewer"], tenants: [101], via: "session", ends: TIMES, sandbox: false },
    ]);
    expect(cookiesOf(reply)).toEqual([
      ["Set-Cookie", expect.stringMatching(/^ocsgw-9640=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/)],
      [
        "Set-Cookie",
        expect.stringMatching(
          /^ocsgw-known-9640=[\w-]{22}\.[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=7776000$/,
        ),
      ],
    ]);
    const headers = { ...BROWSER, Cookie: cookieOf(reply) };
    expect(valueOf(await gateway.ask("/api/session", { headers }))).toEqual({ ...told, csrf });
    expect((await gateway.ask("/api/read", { headers })).status).toBe(200);
    const write = { ...headers, "Ocsgw-Csrf": String(csrf) };
    expect((await gateway.ask("/api/write", { method: "POST", headers: write })).status).toBe(200);
    const out = await gateway.ask("/api/session", { method: "DELETE", headers: write });
    expect([out.status, valueOf(out)]).toEqual([200, { ended: 1, provider: null }]);
    expect(cookiesOf(out).every(([, value]) => value.includes("Max-Age=0"))).toBe(true);
    expect((await gateway.ask("/api/read", { headers })).status).toBe(401);
    expect(gateway.entries.map(({ operation, user, role, source }) => [operation, user, role, source])).toEqual([
      ["login", "alice", "operator,viewer", "127.0.0.1"],
      ["logout", "alice", "operator,viewer", "127.0.0.1"],
    ]);
  });

  it("logs out everywhere", async () => {
    const gateway = start([aPerson("alice"), aPerson("bob")]);
    const [one, two, bob] = [await session(gateway), await session(gateway), await session(gateway, "bob")];
    const out = await gateway.ask("/api/session?everywhere=true", { method: "DELETE", headers: one.write });
    expect(valueOf(out)).toEqual({ ended: 2, provider: null });
    const states = await Promise.all([one, two, bob].map(({ read }) => gateway.ask("/api/read", { headers: read })));
    expect(states.map(({ status }) => status)).toEqual([401, 401, 200]);
    expect(gateway.entries.at(-1)).toMatchObject({ operation: "logout-everywhere", user: "alice" });
  });

  it("is told by which means they can log in, and that a session has ended", async () => {
    for (const [people, passwords] of [
      [[aPerson("alice")], true],
      [null, false],
    ] as const) {
      const reply = await start(people).ask("/api/session");
      expect([reply.status, valueOf(reply)]).toEqual([
        401,
        { error: "nobody is logged in", passwords, provider: null, problem: null },
      ]);
      expect(cookiesOf(reply)).toEqual([]);
    }
    const ended = await start().ask("/api/session", {
      headers: { ...BROWSER, Cookie: `ocsgw-9640=${"A".repeat(43)}` },
    });
    expect(cookiesOf(ended)).toHaveLength(2);
  });

  it("gets a cookie for https only where the browser uses https", async () => {
    const host = { Host: "console.example", Origin: "https://console.example" };
    for (const [isTls, headers] of [
      [true, { ...host }],
      [false, { ...host }],
    ] as const) {
      const gateway = start([aPerson("alice")], isTls);
      const reply = await gateway.logIn("alice", PASSWORD, { headers });
      expect(headerOf(reply.headers, "Set-Cookie")).toMatch(/^__Host-ocsgw-9640=.*; SameSite=Strict; Secure$/);
      expect((await gateway.ask("/api/read", { headers: { Host: host.Host, Cookie: cookieOf(reply) } })).status).toBe(
        200,
      );
    }
  });
});

const alice = aPerson("alice", { roles: ["operator", "auditor"] });
const ANOTHER_HASH = await cheapHash("another password");

describe("a session", () => {
  it("ends without use, whatever refreshes itself in the background", async () => {
    const gateway = start();
    const { read } = await session(gateway);
    for (let minute = 0; minute < 29; minute++) {
      gateway.pass(60_000);
      const reply = await gateway.ask("/api/read", { headers: { ...read, "Ocsgw-Background": "1" } });
      expect(reply.status).toBe(200);
    }
    const reply = await gateway.ask("/api/session", { headers: { ...read, "Ocsgw-Background": "1" } });
    expect(valueOf(reply)["ends"]).toEqual({ idle: 60_000, longest: TIMES.longest - 29 * 60_000 });
    gateway.pass(60_000);
    expect((await gateway.ask("/api/read", { headers: read })).status).toBe(401);
  });

  it("ends after the longest time, however much it is used", async () => {
    const gateway = start();
    const { read } = await session(gateway);
    for (let minute = 20; minute < 12 * 60; minute += 20) {
      gateway.pass(20 * 60_000);
      expect((await gateway.ask("/api/read", { headers: read })).status, String(minute)).toBe(200);
    }
    gateway.pass(20 * 60_000);
    expect((await gateway.ask("/api/read", { headers: read })).status).toBe(401);
  });

  it.each<readonly [why: string, change: Partial<Person> | undefined]>([
    ["is disabled", { disabled: true }],
    ["is removed from the file", undefined],
    ["loses a role", { roles: ["operator"] }],
    ["gets another password", { hash: ANOTHER_HASH }],
  ])("ends at once when its user %s, with its streams", async (_, change) => {
    const gateway = start([alice]);
    const { read, write } = await session(gateway);
    const { session: other } = gateway.store.open({
      name: "alice",
      viewer: () =>
        gateway.sessions.find({ headers: Object.entries(read) }) ? { ...alice, via: "session" } : undefined,
    });
    gateway.setPeople(...(change ? [{ ...alice, ...change }] : []));
    expect((await gateway.ask("/api/read", { headers: read })).status).toBe(401);
    expect((await gateway.ask("/api/write", { method: "POST", headers: write })).status).toBe(401);
    gateway.sessions.recheck();
    expect(other.ended.aborted).toBe(true);
    gateway.setPeople(alice);
    expect((await gateway.ask("/api/read", { headers: read })).status, "for good").toBe(401);
  });

  it("follows a change of its user's tenants, and a new role, without another login", async () => {
    const gateway = start([alice]);
    const { read } = await session(gateway);
    gateway.setPeople({ ...alice, roles: ["viewer", "operator", "auditor"], tenants: [102] });
    expect(valueOf(await gateway.ask("/api/session", { headers: read }))).toMatchObject({
      tenants: [102],
      roles: ["viewer", "operator", "auditor"],
    });
    expect((await gateway.ask("/api/whole", { headers: read })).status).toBe(403);
  });

  it("is found beside cookies that another port of the host has set, unless one of them is a session too", async () => {
    const gateway = start([aPerson("alice"), aPerson("mallory")]);
    const [alices, mallorys] = [await session(gateway), await session(gateway, "mallory")];
    const who = async (...ids: readonly string[]) =>
      (
        await gateway.ask("/api/read", {
          headers: { ...BROWSER, Cookie: ids.map((id) => `ocsgw-9640=${id}`).join("; ") },
        })
      ).status;
    expect(await who("planted", alices.id, "A".repeat(43), "")).toBe(200);
    expect(await who(mallorys.id, alices.id)).toBe(401);
    expect(await who(alices.id, "planted", mallorys.id)).toBe(401);
    expect(await who("planted", "A".repeat(43))).toBe(401);
    expect(await who(alices.id), "it goes on").toBe(200);
  });

  it("is always a new one: an id that the browser had before is not taken over, and ends", async () => {
    const gateway = start([aPerson("alice"), aPerson("mallory")]);
    const mallory = await session(gateway, "mallory");
    for (const id of [mallory.id, "chosen-by-an-attacker-chosen-by-an-attacker-"]) {
      const reply = await gateway.logIn("alice", PASSWORD, { headers: { ...BROWSER, Cookie: `ocsgw-9640=${id}` } });
      expect(reply.status).toBe(200);
      expect(cookieOf(reply)).not.toContain(id);
    }
    expect((await gateway.ask("/api/read", { headers: mallory.read })).status).toBe(401);
  });

  it("counts for nothing beside a second cookie of the same name", async () => {
    const gateway = start([aPerson("alice"), aPerson("mallory")]);
    const [alices, mallorys] = [await session(gateway), await session(gateway, "mallory")];
    const Cookie = `${mallorys.read.Cookie}; ${alices.read.Cookie}`;
    expect((await gateway.ask("/api/read", { headers: { ...BROWSER, Cookie } })).status).toBe(401);
  });

  it.each<readonly [string, (write: Readonly<Record<string, string>>) => Readonly<Record<string, string>>]>([
    ["without a CSRF token", (write) => ({ ...write, "Ocsgw-Csrf": undefined as never })],
    ["with an empty CSRF token", (write) => ({ ...write, "Ocsgw-Csrf": "" })],
    ["with a changed CSRF token", (write) => ({ ...write, "Ocsgw-Csrf": `${write["Ocsgw-Csrf"]}x` })],
    [
      "with the session's id as its CSRF token",
      (write) => ({ ...write, "Ocsgw-Csrf": write["Cookie"]!.split("=")[1]! }),
    ],
  ])("changes nothing %s", async (_, headersOf) => {
    const gateway = start();
    const { write } = await session(gateway);
    for (const [method, target] of [
      ["POST", "/api/write"],
      ["DELETE", "/api/write"],
      ["DELETE", "/api/session"],
    ] as const) {
      const reply = await gateway.ask(target, { method, headers: headersOf(write) });
      expect([reply.status, valueOf(reply)["error"]], target).toEqual([403, expect.stringContaining("Ocsgw-Csrf")]);
    }
    expect((await gateway.ask("/api/write", { method: "POST", headers: write })).status).toBe(200);
  });

  it("changes nothing with the CSRF token of another session", async () => {
    const gateway = start();
    const [one, two] = [await session(gateway), await session(gateway)];
    const headers = { ...one.write, "Ocsgw-Csrf": two.write["Ocsgw-Csrf"] };
    expect((await gateway.ask("/api/write", { method: "POST", headers })).status).toBe(403);
  });

  type Row = readonly [string, Readonly<Record<string, string>>];
  it.each<Row>([
    ["another site", { Origin: "https://evil.example", "Sec-Fetch-Site": "cross-site" }],
    ["another port of this machine", { Origin: "http://127.0.0.1:3000", "Sec-Fetch-Site": "same-site" }],
    ["another site, by a browser without Sec-Fetch-Site", { Origin: "https://evil.example", "Sec-Fetch-Site": "none" }],
    ["a site that reads only, without Origin", { Origin: `http://${HOST}`, "Sec-Fetch-Site": "cross-site" }],
  ])("is of no use to %s", async (_, headers) => {
    const gateway = start();
    const { write } = await session(gateway);
    for (const [method, target] of [
      ["GET", "/api/read"],
      ["GET", "/api/session"],
      ["POST", "/api/write"],
      ["POST", "/api/session"],
      ["DELETE", "/api/session"],
      ["GET", "/"],
    ] as const) {
      const body = { name: "alice", password: PASSWORD };
      const reply = await gateway.ask(target, { method, headers: { ...write, ...headers }, body });
      expect([reply.status, valueOf(reply)["error"]], target).toEqual([403, expect.stringContaining("another site")]);
    }
    expect((await gateway.ask("/api/read", { headers: write })).status).toBe(200);
  });

  it("may be used from a link on another site only for the page, not for data", async () => {
    const headers = {
      Host: HOST,
      "Sec-Fetch-Site": "cross-site",
      "Sec-Fetch-Mode": "navigate",
      "Sec-Fetch-Dest": "document",
    };
    expect((await start().ask("/", { headers })).status).toBe(200);
    expect((await start().ask("/api/session", { headers })).status).toBe(403);
  });

  it("is not looked at beside the admin token, right or wrong", async () => {
    const gateway = start([aPerson("alice")]);
    const { read } = await session(gateway);
    for (const [Authorization, status] of [
      ["Bearer secret", 200],
      ["Bearer wrong", 401],
    ] as const) {
      expect((await gateway.ask("/api/write", { method: "POST", headers: { ...read, Authorization } })).status).toBe(
        status,
      );
    }
    const out = await gateway.ask("/api/session", {
      method: "DELETE",
      headers: { Host: HOST, Authorization: "Bearer secret" },
    });
    expect(out.status).toBe(409);
  });
});

describe("a failed login", () => {
  it("is answered in the same words for a wrong password, an unknown name and a disabled user", async () => {
    const gateway = start([aPerson("alice"), aPerson("bob", { disabled: true })]);
    const replies = [await gateway.logIn("alice", "wrong"), await gateway.logIn("nobody"), await gateway.logIn("bob")];
    for (const reply of replies) {
      expect([reply.status, valueOf(reply)]).toEqual([
        401,
        { error: "the name or the password is wrong, or this user is disabled" },
      ]);
      expect(cookiesOf(reply)).toEqual([]);
    }
    expect(gateway.entries.map(({ user, reason }) => [user, reason])).toEqual([
      ["alice", "wrong password"],
      ["(unknown user)", "unknown user"],
      ["bob", "disabled user"],
    ]);
  });

  it.each<readonly [string, unknown]>([
    ["no body", ""],
    ["no JSON", "name=alice"],
    ["a list", []],
    ["no password", { name: "alice" }],
    ["a number as the password", { name: "alice", password: 1 }],
    ["a list as the name", { name: ["alice"], password: PASSWORD }],
    ["an empty name", { name: "", password: PASSWORD }],
    ["a name that is too long", { name: "a".repeat(65), password: PASSWORD }],
    ["an unknown member", { name: "alice", password: PASSWORD, role: "operator" }],
    ["a member __proto__", `{"name":"alice","password":"${PASSWORD}","__proto__":{}}`],
  ])("is refused with %s, without an attempt", async (_, body) => {
    const gateway = start();
    const reply = await gateway.ask("/api/session", { method: "POST", body });
    expect(reply.status).toBe(400);
    expect(text(reply)).not.toContain(PASSWORD);
    expect(gateway.entries).toEqual([]);
  });

  it.each([
    ["__proto__", PASSWORD],
    ["constructor", PASSWORD],
    ["alice\0", PASSWORD],
    [" alice", PASSWORD],
    ["alice\u200b", PASSWORD],
    ["<script>alert(1)</script>", PASSWORD],
    ["' or 1=1 --", PASSWORD],
    ["4155550100", PASSWORD],
    ["alice (link)", PASSWORD],
    ["admin token", "secret"],
    ["alice", `${PASSWORD}\0`],
    ["alice", `${PASSWORD} `],
    ["alice", PASSWORD.toUpperCase()],
    ["alice", ""],
    ["alice", "\ud800"],
    ["alice", "x".repeat(65_536)],
  ])("is what %j with another password than the right one gets", async (name, password) => {
    const gateway = start();
    const reply = await gateway.logIn(name, password);
    expect(reply.status).toBe(401);
    expect(JSON.stringify(gateway.entries), "a name that is no user's is not kept").not.toMatch(
      /script|or 1=1|4155550100|token|link|xxx/,
    );
  });

  it("is possible so often, and then the right password is refused too; nobody else is", async () => {
    const gateway = start([aPerson("alice"), aPerson("bob")]);
    await session(gateway, "bob");
    const statuses: number[] = [];
    for (let at = 0; at < 1000; at++)
      statuses.push((await gateway.logIn("alice", `wrong-${at}`, { source: "192.0.2.1" })).status);
    const { points, seconds } = LOGIN_LIMITS.name;
    expect(statuses).toEqual([
      ...Array.from({ length: points }, () => 401),
      ...Array.from({ length: 1000 - points }, () => 429),
    ]);
    const right = await gateway.logIn("alice", PASSWORD, { source: "192.0.2.1" });
    expect([right.status, headerOf(right.headers, "Retry-After")]).toEqual([429, String(seconds / points)]);
    expect((await gateway.logIn("bob", PASSWORD)).status).toBe(200);
    expect([...gateway.sessions.results]).toEqual([
      ["ok", 2],
      ["rejected", points],
      ["throttled", 1001 - points],
      ["busy", 0],
      ["unavailable", 0],
      ["not recorded", 0],
    ]);
    await gateway.flush();
    expect(gateway.entries.filter(({ operation }) => operation === "login-failed")).toHaveLength(points + 1);
    expect(gateway.entries.at(-1)).toMatchObject({ user: "alice", reason: "throttled", count: 1001 - points });
    gateway.pass((seconds / points) * 1000);
    expect((await gateway.logIn("alice", PASSWORD, { source: "192.0.2.1" })).status).toBe(200);
  });

  it("keeps nobody out of a browser in which they logged in before, even behind one proxy for all", async () => {
    const people = [aPerson("alice"), aPerson("bob")];
    const before = start(people);
    const [, known] = cookiesOf(await before.logIn()).map(([, value]) => value.split(";", 1)[0]!);
    const mine = { ...BROWSER, Cookie: `x=1; ocsgw-known-9640=planted; ${known}` };
    const wrong = (name = "alice", headers: Readonly<Record<string, string>> = BROWSER) =>
      before.logIn(name, "another password", { headers });
    for (let at = 0; at < 100; at++) await wrong();
    expect((await before.logIn()).status, "another browser").toBe(429);
    const again = await before.logIn("alice", PASSWORD, { headers: mine });
    expect(again.status).toBe(200);
    expect(cookiesOf(again)[1]![1], "it stays the same browser").toContain(`${known};`);
    expect((await before.logIn("bob", PASSWORD, { headers: mine })).status, "another user").toBe(200);

    const restarted = start(people);
    for (let at = 0; at < 100; at++) await restarted.logIn("alice", "another password");
    const asked = (headers: Readonly<Record<string, string>>) => restarted.logIn("alice", PASSWORD, { headers });
    const [id, proof] = known!.split("=")[1]!.split(".");
    expect(
      (
        await asked({
          ...BROWSER,
          Cookie: `ocsgw-known-9640=${id}.${proof!.replace(/^./, (first) => (first === "A" ? "B" : "A"))}`,
        })
      ).status,
    ).toBe(429);
    expect((await asked({ ...BROWSER, Cookie: `ocsgw-9640=${id}.${proof}` })).status).toBe(429);
    expect((await restarted.logIn("alice", "wrong", { headers: mine })).status).toBe(401);
    expect((await asked(mine)).status).toBe(200);
    restarted.setPeople(aPerson("alice", { hash: await cheapHash(PASSWORD) }));
    for (let at = 0; at < 100; at++) await restarted.logIn("alice", "another password");
    expect((await asked(mine)).status, "a new password makes all browsers unknown").toBe(429);
  });

  it("takes its turn: of many logins at once some wait and the others are asked to come again", async () => {
    const gateway = start([aPerson("alice"), aPerson("bob")]);
    const replies = await Promise.all(
      Array.from({ length: 50 }, (_, at) => gateway.logIn("alice", PASSWORD, { source: `192.0.2.${at}` })),
    );
    const busy = replies.filter(({ status }) => status === 503);
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(8);
    expect(busy).toHaveLength(42);
    expect(busy.every(({ headers }) => headerOf(headers, "Retry-After") === "1")).toBe(true);
    expect(gateway.entries).toHaveLength(8);
    expect((await gateway.logIn("bob", PASSWORD)).status, "and then there is room again").toBe(200);
  });

  it("is what a user gets who is disabled while the password is checked", async () => {
    const gateway = start([aPerson("alice")]);
    const attempt = gateway.logIn();
    gateway.setPeople(aPerson("alice", { disabled: true }));
    expect((await attempt).status).toBe(401);
    expect(gateway.store.size).toBe(0);
  });
});

describe("a login that the journal cannot record", () => {
  it("opens no session, and says why", async () => {
    const gateway = start();
    gateway.breakJournal(true);
    const reply = await gateway.logIn();
    expect([reply.status, valueOf(reply)["error"]]).toEqual([503, expect.stringContaining("journal cannot record")]);
    expect(cookiesOf(reply)).toEqual([]);
    expect(gateway.store.size).toBe(0);
    expect((await gateway.logIn("alice", "wrong")).status, "a failed one is answered as ever").toBe(401);
  });

  it("does not keep anybody logged in: a logout works", async () => {
    const gateway = start();
    const { write, read } = await session(gateway);
    gateway.breakJournal(true);
    expect((await gateway.ask("/api/session", { method: "DELETE", headers: write })).status).toBe(200);
    expect((await gateway.ask("/api/read", { headers: read })).status).toBe(401);
  });
});

describe("a one-time link", () => {
  const TOKEN = { Host: HOST, Authorization: "Bearer secret" };
  const redeem = (gateway: ReturnType<typeof start>, token: unknown): Promise<Reply> =>
    gateway.ask("/api/session/link", { method: "POST", body: { token } });

  it("is made with the admin token, opens one session with every role, and names its maker", async () => {
    const gateway = start(null);
    const made = await gateway.ask("/api/session/links", { method: "POST", headers: TOKEN, body: { user: "root" } });
    const { token, valid } = valueOf(made);
    expect([made.status, valid]).toEqual([200, 600_000]);
    const reply = await redeem(gateway, token);
    expect(valueOf(reply)).toMatchObject({
      name: "root (link)",
      roles: ["viewer", "operator", "auditor"],
      tenants: "all",
    });
    expect((await gateway.ask("/api/whole", { headers: { ...BROWSER, Cookie: cookieOf(reply) } })).status).toBe(200);
    const again = await redeem(gateway, token);
    expect([again.status, cookiesOf(again)]).toEqual([401, []]);
    expect(gateway.entries).toEqual([
      expect.objectContaining({ operation: "login-by-link", user: "root (link)", role: "viewer,operator,auditor" }),
      expect.objectContaining({ operation: "login-failed", reason: "invalid link" }),
    ]);
    expect(JSON.stringify(gateway.entries)).not.toContain(token);
  });

  it("is not used up while the journal cannot be written", async () => {
    const gateway = start(null);
    const token = gateway.sessions.createLink({ maker: "root" }, 60_000);
    gateway.breakJournal(true);
    expect([(await redeem(gateway, token)).status, (await redeem(gateway, token)).status]).toEqual([503, 503]);
    gateway.breakJournal(false);
    const [one, other] = await Promise.all([redeem(gateway, token), redeem(gateway, token)]);
    expect(new Set([one!.status, other!.status])).toEqual(new Set([200, 401]));
    expect((await redeem(gateway, token)).status).toBe(401);
  });

  it("expires", async () => {
    const gateway = start(null);
    const token = gateway.sessions.createLink({ maker: "root" }, 1000);
    gateway.pass(1000);
    expect((await redeem(gateway, token)).status).toBe(401);
  });

  it("cannot be made by a user, with whatever role", async () => {
    const gateway = start([aPerson("alice", { roles: ["viewer", "operator", "auditor"] })]);
    const { write } = await session(gateway);
    const made = await gateway.ask("/api/session/links", { method: "POST", headers: write, body: { user: "x" } });
    expect(made.status).toBe(403);
  });

  it.each([[""], ["two\nlines"], ["x".repeat(101)], [7]])("is made for no account %j", async (user) => {
    const made = await start(null).ask("/api/session/links", { method: "POST", headers: TOKEN, body: { user } });
    expect(made.status).toBe(400);
  });

  it.each([["x".repeat(65_536)], [""], ["\0"], [null], [{}]])("is not %j", async (token) => {
    expect([400, 401]).toContain((await redeem(start(), token)).status);
  });

  it("is where no users are configured the only way in", async () => {
    const reply = await start(null).logIn();
    expect([reply.status, valueOf(reply)["error"]]).toEqual([409, expect.stringContaining("ocsgw admins link")]);
  });
});
