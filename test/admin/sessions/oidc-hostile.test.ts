/** What an attacker, or a provider that is not what it says, sends instead of an honest login: it logs nobody in. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT, type JWTPayload } from "jose";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { LOGIN_LIMITS } from "../../../src/identity/login-throttle.ts";
import { events } from "../../../src/common/log/events.ts";
import type { Reply } from "../../../src/common/message.ts";
import { text } from "../../kit/line.ts";
import { CLIENT } from "../../kit/openid-provider.ts";
import { aConsole, aProviderSetting, CONSOLE, valueOf, type TestBrowser } from "./oidc-kit.ts";

const SESSION = "ocsgw-9640";
const now = (): number => Math.floor(Date.now() / 1000);
const [own, others] = [await generateKeyPair("RS256"), await generateKeyPair("RS256")];

type Answer = { readonly status?: number; readonly type?: string; readonly headers?: object; readonly body: unknown };
type Sign = (payload: JWTPayload) => Promise<string> | string;

const signed =
  (key = own.privateKey, header: object = {}): Sign =>
  (payload) =>
    new SignJWT(payload).setProtectedHeader({ alg: "RS256", kid: "k", ...header }).sign(key);

/** What this provider does; each case changes one thing. */
type Ways = {
  metadata: Record<string, unknown>;
  claims: Record<string, unknown>;
  sign: Sign;
  token: (idToken: string) => Answer;
  userInfo: Record<string, unknown>;
};

let issuer: string;
let ways: Ways;
let nonce: string;
let exchanges: URLSearchParams[];

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    void answerTo(request.url!.split("?", 1)[0]!, Buffer.concat(chunks).toString()).then((answer) => {
      const { status = 200, type = "application/json", headers = {}, body } = answer;
      response.writeHead(status, { "Content-Type": type, ...headers });
      response.end(typeof body === "string" ? body : JSON.stringify(body));
    });
  });
});

const answerTo = async (path: string, body: string): Promise<Answer> => {
  switch (path) {
    case "/.well-known/openid-configuration":
      return { body: ways.metadata };
    case "/jwks":
      return { body: { keys: [{ ...(await exportJWK(own.publicKey)), kid: "k", alg: "RS256", use: "sig" }] } };
    case "/token": {
      exchanges.push(new URLSearchParams(body));
      const claims = Object.fromEntries(Object.entries(ways.claims).filter(([, value]) => value !== undefined));
      return ways.token(await ways.sign(claims));
    }
    case "/me":
      return { body: ways.userInfo };
    default:
      return { status: 404, body: {} };
  }
};

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

let logged: object[];
beforeEach(() => {
  logged = [];
  exchanges = [];
  for (const event of ["oidcUnavailable", "oidcLoginRejected"] as const)
    vi.spyOn(events, event).mockImplementation((fields: object) => void logged.push(fields));
  ways = {
    metadata: {
      issuer,
      authorization_endpoint: `${issuer}/auth`,
      token_endpoint: `${issuer}/token`,
      userinfo_endpoint: `${issuer}/me`,
      jwks_uri: `${issuer}/jwks`,
      authorization_response_iss_parameter_supported: true,
    },
    claims: {},
    sign: signed(),
    token: (id_token) => ({ body: { access_token: "an access token", token_type: "Bearer", id_token } }),
    userInfo: { sub: "1" },
  };
});
afterEach(() => vi.restoreAllMocks());

/** An honest callback, and an honest ID token; a case changes one of them. */
const begin = async (browser: TestBrowser): Promise<URL> => {
  const address = new URL(await browser.begin("/flows"));
  nonce = address.searchParams.get("nonce")!;
  ways.claims = {
    iss: issuer,
    sub: "1",
    aud: CLIENT.id,
    exp: now() + 60,
    iat: now(),
    nonce,
    preferred_username: "maria",
    roles: ["viewer"],
  };
  const query = new URLSearchParams({ code: "a code", state: address.searchParams.get("state")!, iss: issuer });
  return new URL(`${CONSOLE}/login/callback?${query.toString()}`);
};

const aSite = () => aConsole(aProviderSetting(issuer));

const expectOut = (reply: Reply, browser: TestBrowser): void => {
  expect(browser.cookies.has(SESSION), text(reply)).toBe(false);
  expect(reply.headers.some(([name, value]) => name === "Set-Cookie" && value.startsWith(SESSION))).toBe(false);
  // Neither page nor log has a secret of the login.
  const shown = text(reply) + JSON.stringify(logged);
  for (const secret of ["a code", CLIENT.secret, "an access token", nonce, "eyJ"]) expect(shown).not.toContain(secret);
};

it("an honest answer logs in, and the code is sent with its verifier", async () => {
  const browser = aSite().browser();
  const reply = await browser.arrive(await begin(browser));
  expect([reply.status, browser.cookies.has(SESSION)]).toEqual([200, true]);
  expect(Object.fromEntries(exchanges[0]!)).toMatchObject({
    grant_type: "authorization_code",
    code: "a code",
    redirect_uri: `${CONSOLE}/login/callback`,
    code_verifier: expect.stringMatching(/^[\w-]{43}$/) as string,
  });
});

describe("a callback", () => {
  type Change = (url: URL, browser: TestBrowser, kit: ReturnType<typeof aConsole>) => Promise<void> | void;
  const set =
    (name: string, value: string): Change =>
    (url) =>
      url.searchParams.set(name, value);

  it.each<[what: string, change: Change, status: number, reason: string, says?: string]>([
    ["without state", (url) => url.searchParams.delete("state"), 400, "unknown login"],
    ["with another state", set("state", "A".repeat(43)), 400, "unknown login"],
    ["with a second state", (url) => url.searchParams.append("state", "x"), 403, "invalid provider answer"],
    ["in a browser without the cookie", (_, browser) => browser.cookies.clear(), 400, "unknown login"],
    [
      "in a browser with another cookie",
      (_, { cookies }) => void cookies.set("ocsgw-login-9640", { value: "A".repeat(43), site: "Lax" }),
      400,
      "unknown login",
    ],
    ["after ten minutes", (_, _browser, kit) => kit.pass(600_000), 400, "unknown login"],
    [
      "after a successful one",
      async (url, browser) => {
        expect((await browser.arrive(url)).status).toBe(200);
        browser.cookies.delete(SESSION);
      },
      400,
      "unknown login",
    ],
    [
      "after a failed one",
      async (url, browser) => {
        const [token] = [ways.token];
        ways.token = () => ({ status: 400, body: { error: "invalid_grant" } });
        expect((await browser.arrive(url)).status).toBe(403);
        ways.token = token;
      },
      400,
      "unknown login",
    ],
    [
      "without iss, which the provider announces",
      (url) => url.searchParams.delete("iss"),
      403,
      "invalid provider answer",
    ],
    ["with the iss of another provider", set("iss", "https://evil.example"), 403, "invalid provider answer"],
    [
      "with a second iss",
      (url) => url.searchParams.append("iss", "https://evil.example"),
      403,
      "invalid provider answer",
    ],
    ["without a code", (url) => url.searchParams.delete("code"), 403, "invalid provider answer"],
    ["with a second code", (url) => url.searchParams.append("code", "other"), 403, "invalid provider answer"],
    ["with an error", set("error", "access_denied"), 403, "refused by provider", "refused this login"],
    ["with an error that is text", set("error", "<script>alert(1)</script>"), 403, "refused by provider"],
  ])("%s logs nobody in", async (_, change, status, reason, says = "") => {
    const kit = aSite();
    const browser = kit.browser();
    const url = await begin(browser);
    await change(url, browser, kit);
    const reply = await browser.arrive(url);
    expect([reply.status, text(reply)]).toEqual([status, expect.stringContaining(says)]);
    expectOut(reply, browser);
    expect(text(reply)).not.toContain("<script");
    expect(kit.entries.at(-1)).toEqual({
      kind: "access",
      user: "(unknown user)",
      operation: "login-failed",
      source: "127.0.0.1",
      reason,
    });
    expect(valueOf(await browser.ask("/api/session"))["problem"]).toEqual(expect.any(String));
  });

  it("of an unknown login does not ask the provider", async () => {
    const browser = aSite().browser();
    const url = await begin(browser);
    url.searchParams.set("state", "x");
    await browser.arrive(url);
    expect(exchanges).toEqual([]);
  });

  it("for an attacker's login does not log the attacker in elsewhere", async () => {
    const kit = aSite();
    const [attacker, victim] = [kit.browser(), kit.browser()];
    const theirs = await begin(attacker);
    await begin(victim);
    const reply = await victim.arrive(theirs);
    expect(reply.status).toBe(400);
    expectOut(reply, victim);
  });
});

describe("a provider", () => {
  type Change = () => void;
  const claim =
    (name: string, value: unknown): Change =>
    () =>
      void (ways.claims[name] = value);
  const token =
    (answer: Answer): Change =>
    () =>
      void (ways.token = () => answer);

  it.each<[what: string, change: Change, logs: RegExp, status?: number]>([
    ["whose ID token is of another issuer", claim("iss", "https://evil.example"), /"iss"/],
    ["whose ID token is for another client", claim("aud", "other"), /"aud"/],
    ["whose ID token is for several, and issued to none", () => (ways.claims["aud"] = [CLIENT.id, "other"]), /"aud"/],
    ["whose ID token was issued to another client", claim("azp", "other"), /azp/],
    [
      "whose ID token is for several, and was issued to another",
      () => {
        ways.claims["aud"] = [CLIENT.id, "other"];
        ways.claims["azp"] = "other";
      },
      /"azp"/,
    ],
    ["whose ID token has no nonce", claim("nonce", undefined), /"nonce"/],
    ["whose ID token has the nonce of another login", claim("nonce", "A".repeat(43)), /"nonce"/],
    ["whose ID token has expired", () => (ways.claims["exp"] = now() - 31), /"exp"/],
    ["whose ID token is not valid yet", () => (ways.claims["nbf"] = now() + 40), /"nbf"/],
    ["whose ID token never expires", claim("exp", undefined), /"exp"/],
    ["whose ID token names nobody", claim("sub", undefined), /"sub"/],
    ["whose ID token names a number", claim("sub", 1), /"sub"/],
    ["whose ID token is not signed", () => (ways.sign = (payload) => new UnsecuredJWT(payload).encode()), /alg/],
    [
      "whose ID token is signed with the client's secret",
      () => {
        ways.sign = (payload) =>
          new SignJWT(payload)
            .setProtectedHeader({ alg: "HS256" })
            .sign(new TextEncoder().encode(CLIENT.secret.repeat(2)));
      },
      /alg/,
    ],
    ["whose ID token is signed with another key", () => (ways.sign = signed(others.privateKey)), /signature/],
    ["whose ID token is signed with an unknown key", () => (ways.sign = signed(own.privateKey, { kid: "x" })), /key/],
    ["whose ID token is none", () => (ways.sign = () => "eyJ.no.token"), /./],
    ["without an ID token", token({ body: { access_token: "x", token_type: "Bearer" } }), /id_token/],
    ["that does not know the code", token({ status: 400, body: { error: "invalid_grant" } }), /invalid_grant/],
    ["that does not know the client", token({ status: 401, body: { error: "invalid_client" } }), /invalid_client/],
    ["that hides text in an error", token({ status: 400, body: { error: "a code eyJ" } }), /an unknown error/],
    ["that answers with HTML", token({ type: "text/html", body: "<p>a code</p>" }), /content-type/],
    ["that answers with half a JSON", token({ body: '{"access_token":"an access token' }), /JSON/],
    ["that redirects", token({ status: 302, headers: { Location: "https://evil.example/" }, body: {} }), /status 302/],
    ["that fails", token({ status: 503, body: {} }), /status 503/, 503],
    ["that sends without end", token({ body: `"${"x".repeat(600 * 1024)}"` }), /more than 524288 bytes/, 503],
    [
      "whose other answer is about somebody else",
      () => {
        ways.claims["roles"] = undefined;
        ways.userInfo = { sub: "2", roles: ["operator"] };
      },
      /"sub"/,
    ],
  ])("%s logs nobody in", async (_, change, logs, status = 403) => {
    const kit = aSite();
    const browser = kit.browser();
    const url = await begin(browser);
    change();
    const reply = await browser.arrive(url);
    expect(reply.status, JSON.stringify(logged)).toBe(status);
    expectOut(reply, browser);
    expect(logged).toEqual([{ reason: expect.stringMatching(logs) as string }]);
    expect(kit.entries.at(-1)).toMatchObject({
      operation: "login-failed",
      reason: status === 503 ? "provider unavailable" : "invalid provider answer",
    });
    expect(kit.store.size).toBe(0);
  });

  it.each<readonly [what: string, change: Change]>([
    ["whose clock is a little behind", () => (ways.claims["exp"] = now() - 20)],
    [
      "whose ID token is for several, and issued to this one",
      () => {
        ways.claims["aud"] = [CLIENT.id, "other"];
        ways.claims["azp"] = CLIENT.id;
      },
    ],
    [
      "that says the roles in its other answer",
      () => {
        ways.claims["roles"] = undefined;
        ways.userInfo = { sub: "1", roles: ["viewer"] };
      },
    ],
  ])("%s logs in", async (_, change) => {
    const browser = aSite().browser();
    const url = await begin(browser);
    change();
    const reply = await browser.arrive(url);
    expect([reply.status, text(reply)]).toEqual([200, expect.stringContaining("logged in")]);
  });

  it.each<readonly [what: string, change: Change, logs: RegExp]>([
    ["of another issuer", () => (ways.metadata["issuer"] = "https://evil.example"), /issuer/],
    [
      "that sends browsers into a script",
      () => (ways.metadata["authorization_endpoint"] = "javascript:alert(1)"),
      /HTTP/,
    ],
    ["that has no login page", () => delete ways.metadata["authorization_endpoint"], /authorization_endpoint/],
    ["whose configuration is a list", () => (ways.metadata = [] as never), /./],
  ])("%s gets no browser", async (_, change, logs) => {
    change();
    const browser = aSite().browser();
    const reply = await browser.ask("/api/session/oidc", { method: "POST", body: { return: "/" } });
    expect([reply.status, valueOf(reply)["error"]]).toEqual([
      503,
      expect.stringContaining("does not answer as it should"),
    ]);
    expect(logged).toEqual([expect.objectContaining({ reason: expect.stringMatching(logs) as string })]);
  });
});

it("a login during which the config loses the provider opens no session", async () => {
  const kit = aSite();
  const browser = kit.browser();
  const url = await begin(browser);
  const { token } = ways;
  ways.token = (idToken) => {
    kit.setOidc(undefined);
    return token(idToken);
  };
  const reply = await browser.arrive(url);
  expect([reply.status, kit.store.size]).toEqual([400, 0]);
  expect(kit.entries.map(({ operation, user }) => [operation, user])).toEqual([["login-failed", "maria (oidc)"]]);
  expectOut(reply, browser);
});

it("failed logins of one address are limited; those of others and successful ones are not", async () => {
  const kit = aSite();
  const fail = async (source: string): Promise<Reply> => {
    const browser = kit.browser();
    const url = await begin(browser);
    url.searchParams.set("error", "access_denied");
    return browser.arrive(url, source);
  };
  const { points, seconds } = LOGIN_LIMITS.provider;
  for (let at = 0; at < points; at++) {
    const browser = kit.browser();
    expect((await browser.arrive(await begin(browser))).status).toBe(200);
    expect((await fail("192.0.2.1")).status, String(at)).toBe(403);
  }
  const limited = await fail("192.0.2.1");
  expect([limited.status, limited.headers.find(([name]) => name === "Retry-After")]).toEqual([
    429,
    ["Retry-After", expect.stringMatching(/^\d$/)],
  ]);
  expect((await fail("198.51.100.1")).status).toBe(403);
  expect(kit.sessions.results.get("throttled")).toBe(1);
  kit.pass((seconds / points) * 1000);
  expect((await fail("192.0.2.1")).status).toBe(403);
});
