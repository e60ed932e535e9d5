/** Logging in to the console through a real OpenID provider, step by step as a browser does. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { OidcSettings } from "../../../src/admin/oidc/settings.ts";
import { events } from "../../../src/common/log/events.ts";
import { headerOf, type Reply } from "../../../src/common/message.ts";
import { testAuthority } from "../../kit/certificates.ts";
import { text } from "../../kit/line.ts";
import { anOpenIdProvider, CLIENT, type OpenIdProvider } from "../../kit/openid-provider.ts";
import { PASSWORD } from "../../kit/sessions.ts";
import { aConsole, aProviderSetting, CONSOLE, valueOf, type TestBrowser } from "./oidc-kit.ts";

const SESSION = "ocsgw-9640";
const ATTEMPT = "ocsgw-login-9640";

let idp: OpenIdProvider;
beforeAll(async () => {
  idp = await anOpenIdProvider();
  idp.serve(CONSOLE);
});
afterAll(() => idp.stop());

let logged: [event: string, fields: object][];
beforeEach(() => {
  logged = [];
  idp.users.clear();
  idp.users.set("maria", { preferred_username: "maria", roles: ["auditor", "operator"], tenants: ["Alpha Tenant"] });
  for (const event of ["oidcUnavailable", "oidcRecovered", "oidcLoginRejected"] as const)
    vi.spyOn(events, event).mockImplementation((fields: object) => void logged.push([event, fields]));
});
afterEach(() => vi.restoreAllMocks());

const settings = (over: Partial<OidcSettings> = {}): OidcSettings => aProviderSetting(idp.issuer, over);

const logIn = async (browser: TestBrowser, { user = "maria", page = "/", at = idp } = {}): Promise<Reply> =>
  browser.arrive(await at.logIn(await browser.begin(page), user));

const read = (browser: TestBrowser): Promise<Reply> => browser.ask("/api/read");

describe("a user of the OpenID provider", () => {
  it("logs in, lands on the page that they wanted, and logs out at both places", async () => {
    const console = aConsole(settings({ name: "Example SSO" }));
    const browser = console.browser();
    expect(valueOf(await browser.ask("/api/session"))).toEqual({
      error: "nobody is logged in",
      passwords: true,
      provider: "Example SSO",
      problem: null,
    });
    const address = new URL(await browser.begin("/flows?filter=refused"));
    expect(address.origin).toBe(idp.issuer);
    const { state, nonce, code_challenge: challenge, ...asked } = Object.fromEntries(address.searchParams);
    expect(asked).toEqual({
      client_id: CLIENT.id,
      redirect_uri: `${CONSOLE}/login/callback`,
      response_type: "code",
      scope: "openid profile",
      code_challenge_method: "S256",
    });
    expect([state, nonce, challenge].map((each) => /^[\w-]{43}$/.test(each!))).toEqual([true, true, true]);
    expect(browser.cookies.get(ATTEMPT)!.site).toBe("Lax");

    const reply = await browser.arrive(await idp.logIn(address.href, "maria"));
    expect(reply.status, text(reply)).toBe(200);
    // A redirect from another site would not carry the cookie with SameSite=Strict.
    expect(headerOf(reply.headers, "Location")).toBeUndefined();
    expect(text(reply)).toContain('<meta http-equiv="refresh" content="0;url=/flows?filter=refused">');
    expect(headerOf(reply.headers, "Content-Security-Policy")).toContain("default-src 'none'");
    const cookie = reply.headers.find(([name]) => name === "Set-Cookie")![1];
    expect(cookie).toMatch(/^ocsgw-9640=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);

    const { csrf, ...told } = valueOf(await browser.ask("/api/session"));
    expect(told).toMatchObject({
      name: "maria (oidc)",
      roles: ["operator", "auditor"],
      tenants: "all",
      via: "session",
    });
    const headers = { "Ocsgw-Csrf": String(csrf) };
    const out = await browser.ask("/api/session", { method: "DELETE", headers });
    const { ended, provider } = valueOf(out) as { ended: number; provider: string };
    expect(ended).toBe(1);
    const there = new URL(provider);
    expect(there.origin).toBe(idp.issuer);
    expect(there.searchParams.get("post_logout_redirect_uri")).toBe(`${CONSOLE}/`);
    const page = await fetch(there);
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining("/session/end/confirm")]);
    expect((await read(browser)).status).toBe(401);
    expect(console.entries).toEqual([
      {
        kind: "access",
        user: "maria (oidc)",
        role: "operator,auditor",
        operation: "login-by-oidc",
        source: "127.0.0.1",
      },
      { kind: "access", user: "maria (oidc)", role: "operator,auditor", operation: "logout", source: "127.0.0.1" },
    ]);
    expect(console.sessions.results.get("ok")).toBe(1);
    expect(logged).toEqual([]);
  });

  it.each<readonly [string, Parameters<OpenIdProvider["serve"]>[1], Partial<OidcSettings>]>([
    ["with all claims in the ID token", { inIdToken: true }, {}],
    ["with the secret in the body", { auth: "client_secret_post" }, { client_auth: "post" }],
    ["of a public client", { auth: "none" }, { client_secret: null }],
  ])("logs in at a provider %s", async (_, serving, over) => {
    const other = await anOpenIdProvider();
    try {
      other.serve(CONSOLE, serving);
      other.users.set("maria", { preferred_username: "maria", roles: "viewer" });
      const browser = aConsole(aProviderSetting(other.issuer, over)).browser();
      const reply = await logIn(browser, { at: other });
      expect(reply.status, text(reply)).toBe(200);
      expect(valueOf(await read(browser))).toMatchObject({ name: "maria (oidc)", roles: ["viewer"] });
      expect(other.asked.includes("/me")).toBe(serving?.inIdToken !== true);
    } finally {
      await other.stop();
    }
  });

  it("sees the tenants of the claim only", async () => {
    const claims = { user: "preferred_username", role: "roles", tenants: "tenants" };
    const browser = aConsole(settings({ claims })).browser();
    await logIn(browser);
    expect(valueOf(await read(browser))).toMatchObject({ tenants: [101] });
  });

  it.each<readonly [string, Record<string, unknown>, Partial<OidcSettings>, string, string]>([
    ["without the claim of roles", { preferred_username: "maria" }, {}, 'the claim "roles" is missing', "maria (oidc)"],
    ["without a name", { roles: ["viewer"] }, {}, 'the claim "preferred_username" is missing', "(unknown user)"],
    [
      "with roles that mean nothing here",
      { preferred_username: "maria", roles: ["staff"] },
      {},
      'no value of the claim "roles" gives a role here (admin.oidc.roles)',
      "maria (oidc)",
    ],
    [
      "of unknown tenants",
      { preferred_username: "maria", roles: ["viewer"], tenants: ["Gamma Tenant"] },
      { claims: { user: "preferred_username", role: "roles", tenants: "tenants" } },
      'no value of the claim "tenants" is a tenant of this gateway',
      "maria (oidc)",
    ],
  ])("%s cannot log in, and reads why", async (_, claims, over, sentence, user) => {
    idp.users.set("maria", claims);
    const console = aConsole(settings(over));
    const browser = console.browser();
    const reply = await logIn(browser, { page: "/flows" });
    expect([reply.status, browser.cookies.has(SESSION)]).toEqual([403, false]);
    expect(text(reply)).toContain(sentence.replaceAll(">", "&gt;"));
    expect(text(reply)).toContain('content="0;url=/"');
    const problem = `Your account may not use this console: ${sentence}.`;
    expect(valueOf(await browser.ask("/api/session"))).toMatchObject({ problem });
    expect(valueOf(await browser.ask("/api/session")), "once").toMatchObject({ problem: null });
    expect(console.entries).toEqual([
      { kind: "access", user, operation: "login-failed", source: "127.0.0.1", reason: "claims give no access" },
    ]);
    expect(logged).toEqual([["oidcLoginRejected", { reason: sentence }]]);
    expect(console.sessions.results.get("rejected")).toBe(1);
  });

  it("is another person than a user of the same name with a password, and than one of another sub", async () => {
    idp.users.set("alice", { preferred_username: "alice", roles: "viewer" });
    idp.users.set("another", { preferred_username: "alice", roles: "viewer" });
    const console = aConsole(settings());
    const [local, one, two, other] = [console.browser(), console.browser(), console.browser(), console.browser()];
    const reply = await local.ask("/api/session", { method: "POST", body: { name: "alice", password: PASSWORD } });
    expect(reply.status).toBe(200);
    await logIn(one, { user: "alice" });
    await logIn(two, { user: "alice" });
    await logIn(other, { user: "another" });
    const { csrf } = valueOf(await one.ask("/api/session"));
    const headers = { "Ocsgw-Csrf": String(csrf) };
    const out = await one.ask("/api/session?everywhere=true", { method: "DELETE", headers });
    expect(valueOf(out)).toMatchObject({ ended: 2 });
    const replies = await Promise.all([local, one, two, other].map(read));
    expect(replies.map(({ status }) => status)).toEqual([200, 401, 401, 200]);
    expect(valueOf(replies[0]!)).toMatchObject({ name: "alice" });
    expect(valueOf(replies[3]!)).toMatchObject({ name: "alice (oidc)" });
  });

  it("gets a new session; the one that the browser had ends", async () => {
    const console = aConsole(settings());
    const browser = console.browser();
    await browser.ask("/api/session", { method: "POST", body: { name: "alice", password: PASSWORD } });
    const before = browser.cookies.get(SESSION)!;
    await logIn(browser);
    expect(valueOf(await read(browser))).toMatchObject({ name: "maria (oidc)" });
    browser.cookies.set(SESSION, before);
    expect((await read(browser)).status).toBe(401);
  });

  it("finishes logins of two tabs in any order", async () => {
    const browser = aConsole(settings()).browser();
    const [one, two] = [await browser.begin("/flows"), await browser.begin("/tenants")];
    const [first, second] = [await idp.logIn(one, "maria"), await idp.logIn(two, "maria")];
    expect(text(await browser.arrive(second))).toContain("url=/tenants");
    expect(text(await browser.arrive(first))).toContain("url=/flows");
  });

  it("cannot log in while the journal cannot record it", async () => {
    const console = aConsole(settings());
    const browser = console.browser();
    console.breakJournal(true);
    const reply = await logIn(browser);
    expect([reply.status, browser.cookies.has(SESSION), console.store.size]).toEqual([503, false, 0]);
    expect(valueOf(await browser.ask("/api/session"))).toMatchObject({
      problem: expect.stringContaining("The journal cannot record this login") as string,
    });
  });

  it("is sent back to https where the browser uses https, with cookies for it", async () => {
    const origin = "https://console.example";
    const provider = await anOpenIdProvider();
    try {
      provider.serve(origin);
      provider.users.set("maria", { preferred_username: "maria", roles: "viewer" });
      const console = aConsole(aProviderSetting(provider.issuer, { address: origin }));
      const browser = console.browser();
      const headers = { Host: "console.example", Origin: origin };
      const begun = await browser.ask("/api/session/oidc", { method: "POST", body: { return: "/" }, headers });
      const url = await provider.logIn((valueOf(begun) as { address: string }).address, "maria");
      expect(url.origin).toBe(origin);
      expect(begun.headers.find(([name]) => name === "Set-Cookie")![1]).toMatch(
        /^__Host-ocsgw-login-9640=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Secure; Max-Age=600$/,
      );
      const reply = await browser.arrive(url);
      expect(reply.headers.find(([name]) => name === "Set-Cookie")![1]).toMatch(
        /^__Host-ocsgw-9640=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Secure$/,
      );
      const elsewhere = await browser.ask("/api/session/oidc", { method: "POST", body: { return: "/" } });
      expect([elsewhere.status, valueOf(elsewhere)["error"]]).toEqual([409, expect.stringContaining(origin)]);
    } finally {
      await provider.stop();
    }
  });
});

describe("a login through the provider does not begin", () => {
  it.each<readonly [string, OidcSettings | undefined, Record<string, string | undefined>, number, string]>([
    ["where the config names none", undefined, {}, 409, "The config has no admin.oidc"],
    [
      "for a page of another site",
      aProviderSetting("http://127.0.0.1:1"),
      { Origin: "https://evil.example" },
      403,
      "Origin",
    ],
    ["without Origin", aProviderSetting("http://127.0.0.1:1"), { Origin: undefined }, 400, "Origin is missing"],
    [
      "over http off loopback",
      aProviderSetting("http://127.0.0.1:1"),
      { Host: "console.example", Origin: "http://console.example" },
      409,
      "needs https",
    ],
  ])("%s", async (_, given, headers, status, says) => {
    const browser = aConsole(given).browser();
    const reply = await browser.ask("/api/session/oidc", { method: "POST", body: { return: "/" }, headers });
    expect([reply.status, valueOf(reply)["error"]]).toEqual([status, expect.stringContaining(says)]);
    expect(browser.cookies.size).toBe(0);
  });
});

describe("a provider that is down", () => {
  it("stops neither the gateway nor other ways in; it is asked again soon, and works when it is back", async () => {
    const gone = await anOpenIdProvider();
    await gone.stop();
    const console = aConsole(aProviderSetting(gone.issuer));
    const browser = console.browser();
    const begin = () => browser.ask("/api/session/oidc", { method: "POST", body: { return: "/" } });
    const replies = await Promise.all([begin(), begin(), begin()]);
    expect(replies.map(({ status }) => status)).toEqual([503, 503, 503]);
    expect(valueOf(replies[0]!)["error"]).toContain("The gateway's log says why");
    expect(text(replies[0]!)).not.toContain(new URL(gone.issuer).port);
    const reason = expect.stringMatching(/connection refused/) as string;
    expect(logged).toEqual([["oidcUnavailable", { issuer: gone.issuer, reason }]]);
    const local = await browser.ask("/api/session", { method: "POST", body: { name: "alice", password: PASSWORD } });
    expect(local.status).toBe(200);

    const back = await anOpenIdProvider(undefined, Number(new URL(gone.issuer).port));
    try {
      back.serve(CONSOLE);
      expect((await begin()).status, "a moment later the failure still counts").toBe(503);
      console.pass(5000);
      expect((await begin()).status).toBe(200);
      expect(logged.slice(1)).toEqual([["oidcRecovered", { issuer: gone.issuer }]]);
    } finally {
      await back.stop();
    }
    // Its addresses are known, but nobody answers there any more.
    const again = console.browser();
    const { address } = valueOf(await again.ask("/api/session/oidc", { method: "POST", body: { return: "/" } })) as {
      address: string;
    };
    const state = new URL(address).searchParams.get("state")!;
    const reply = await again.arrive(new URL(`${CONSOLE}/login/callback?code=x&state=${state}&iss=${gone.issuer}`));
    expect([reply.status, console.entries.at(-1)]).toEqual([
      503,
      expect.objectContaining({ operation: "login-failed", reason: "provider unavailable" }),
    ]);
    expect(console.sessions.results.get("unavailable")).toBe(1);
  });

  it("is not believed with a certificate of an authority that the config does not name", async () => {
    const authority = testAuthority("Test CA");
    const { chainPem: cert, keyPem: key } = authority.issue({ names: ["127.0.0.1"], usage: "serverAuth" });
    const provider = await anOpenIdProvider({ cert, key });
    const dir = await mkdtemp(join(tmpdir(), "ocsgw-oidc-"));
    try {
      provider.serve(CONSOLE);
      const [right, wrong] = [join(dir, "ca.pem"), join(dir, "other.pem")];
      await writeFile(right, authority.certPem);
      await writeFile(wrong, testAuthority("Other CA").certPem);
      for (const ca of [null, wrong]) {
        const browser = aConsole(aProviderSetting(provider.issuer, { ca })).browser();
        expect((await browser.ask("/api/session/oidc", { method: "POST", body: { return: "/" } })).status).toBe(503);
      }
      expect(logged.map(([, fields]) => fields)).toEqual([
        { issuer: provider.issuer, reason: expect.stringContaining("not issued by a trusted CA") as string },
        { issuer: provider.issuer, reason: expect.stringContaining("not issued by a trusted CA") as string },
      ]);
      const browser = aConsole(aProviderSetting(provider.issuer, { ca: right })).browser();
      expect(new URL(await browser.begin()).origin).toBe(provider.issuer);
    } finally {
      await provider.stop();
      await rm(dir, { recursive: true });
    }
  });
});

describe("a session from the provider", () => {
  const byTenant = { user: "preferred_username", role: "roles", tenants: "tenants" };

  it.each<readonly [string, (now: OidcSettings) => OidcSettings | undefined, number]>([
    ["ends when the config names no provider any more", () => undefined, 401],
    ["ends with another issuer", (now) => ({ ...now, issuer: "https://other.example" }), 401],
    ["ends with another client", (now) => ({ ...now, client_id: "other" }), 401],
    ["ends with other claims", (now) => ({ ...now, claims: { ...now.claims, user: "sub" } }), 401],
    ["ends when a role of it is lost", (now) => ({ ...now, roles: { ...now.roles, auditor: [] } }), 401],
    ["ends when its tenant is removed", (now) => ({ ...now, tenants: now.tenants.slice(1) }), 401],
    ["goes on with a new secret", (now) => ({ ...now, client_secret: "new" }), 200],
    ["goes on with another name of the provider", (now) => ({ ...now, name: "SSO" }), 200],
  ])("%s", async (_, change, status) => {
    const given = settings({ claims: byTenant });
    const console = aConsole(given);
    const browser = console.browser();
    await logIn(browser);
    expect((await read(browser)).status).toBe(200);
    console.setOidc(change(given));
    console.sessions.recheck();
    expect(console.store.size).toBe(status === 200 ? 1 : 0);
    expect((await read(browser)).status).toBe(status);
    console.setOidc(given);
    expect((await read(browser)).status, "for good").toBe(status);
  });

  it("gets a new role and further tenants without another login", async () => {
    idp.users.set("maria", { preferred_username: "maria", roles: ["auditor", "night"], tenants: [101, 102] });
    const given = settings({ claims: byTenant, tenants: [{ name: "Alpha Tenant", dbid: 101 }] });
    const console = aConsole(given);
    const browser = console.browser();
    await logIn(browser);
    expect(valueOf(await read(browser))).toMatchObject({ roles: ["auditor"], tenants: [101] });
    const roles = { ...given.roles, viewer: ["night"] };
    console.setOidc({ ...given, roles, tenants: [...given.tenants, { name: "Beta Tenant", dbid: 102 }] });
    expect(valueOf(await read(browser))).toMatchObject({ roles: ["viewer", "auditor"], tenants: [101, 102] });
  });

  it("ends without use, and at last in any case", async () => {
    const console = aConsole(settings());
    const browser = console.browser();
    await logIn(browser);
    for (let minute = 20; minute < 12 * 60; minute += 20) {
      console.pass(20 * 60_000);
      expect((await read(browser)).status, String(minute)).toBe(200);
    }
    console.pass(20 * 60_000);
    expect((await read(browser)).status).toBe(401);
    await logIn(browser);
    console.pass(30 * 60_000);
    expect((await read(browser)).status).toBe(401);
  });

  it("does not begin by a login that began under other settings", async () => {
    const console = aConsole(settings());
    const browser = console.browser();
    const url = await idp.logIn(await browser.begin(), "maria");
    console.setOidc(settings({ claims: { ...settings().claims, role: "tenants" } }));
    expect((await browser.arrive(url)).status).toBe(400);
    expect(browser.cookies.has(SESSION)).toBe(false);
  });
});
