import { describe, expect, it } from "vitest";
import { ownPage } from "../../../src/admin/oidc/bounce-page.ts";
import { ATTEMPT_MS, LoginAttempts, type Attempt } from "../../../src/admin/oidc/login-attempts.ts";

const attempt = (state: string): Attempt => ({
  state,
  nonce: "nonce",
  verifier: "verifier",
  redirectUri: "http://127.0.0.1/login/callback",
  returnTo: "/",
  isSecure: false,
  generation: "",
  before: undefined,
});

const start = (most = {}) => {
  let at = 0;
  const attempts = new LoginAttempts({ now: () => at, ...most });
  const begin = (state: string, ids: readonly string[] = [], source = "192.0.2.1") =>
    attempts.begin(attempt(state), ids, source)!;
  return { attempts, begin, pass: (ms: number) => void (at += ms) };
};

describe("a login that has begun", () => {
  it("is finished once, by the browser that began it", () => {
    const { attempts, begin } = start();
    const id = begin("one");
    expect(id).toMatch(/^[\w-]{43}$/);
    for (const ids of [[], ["A".repeat(43)]]) expect(attempts.take("one", ids)).toBeUndefined();
    for (const state of ["", "two", "ONE"]) expect(attempts.take(state, [id])).toBeUndefined();
    expect(attempts.take("one", ["A".repeat(43), id])).toMatchObject({ state: "one" });
    expect(attempts.take("one", [id])).toBeUndefined();
  });

  it("expires", () => {
    const { attempts, begin, pass } = start();
    const [late, soon] = [begin("late"), begin("soon")];
    pass(ATTEMPT_MS - 1);
    expect(attempts.take("soon", [soon])).toBeDefined();
    pass(1);
    expect(attempts.take("late", [late])).toBeUndefined();
  });

  it("stands beside others of the same browser, which keeps its id; an id that it did not get here is not used", () => {
    const { attempts, begin } = start();
    const id = begin("one");
    expect(begin("two", ["A".repeat(43), id])).toBe(id);
    expect(begin("three", ["A".repeat(43)])).not.toBe("A".repeat(43));
    expect(["two", "one"].map((state) => attempts.take(state, [id])?.state)).toEqual(["two", "one"]);
  });

  it("is void when its network has begun too many; other networks keep theirs", () => {
    const { attempts, begin } = start({ mostOfOne: 2 });
    const other = begin("other", [], "198.51.100.1");
    const ids = ["one", "two", "three"].map((state) => begin(state));
    expect(["one", "two", "three"].map((state, at) => attempts.take(state, [ids[at]!])?.state)).toEqual([
      undefined,
      "two",
      "three",
    ]);
    expect(attempts.take("other", [other])).toBeDefined();
  });

  it("is not begun while too many of all networks wait, and makes none of them void", () => {
    const { attempts, begin, pass } = start({ most: 2 });
    const [one, two] = [begin("one", [], "192.0.2.1"), begin("two", [], "198.51.100.1")];
    expect(begin("three", [], "203.0.113.1")).toBeUndefined();
    expect(attempts.take("one", [one])).toBeDefined();
    expect(begin("four", [], "203.0.113.1")).toBeDefined();
    pass(ATTEMPT_MS);
    expect(begin("five", [], "203.0.113.2")).toBeDefined();
    expect(attempts.take("two", [two])).toBeUndefined();
  });
});

it("tells a browser once why its login failed, for a minute", () => {
  const { attempts, pass } = start();
  const id = attempts.keepProblem("because", []);
  expect(attempts.takeProblem(["A".repeat(43)])).toBeUndefined();
  expect([attempts.takeProblem([id]), attempts.takeProblem([id])]).toEqual(["because", undefined]);
  attempts.keepProblem("because", [id]);
  pass(60_000);
  expect(attempts.takeProblem([id])).toBeUndefined();
});

describe("the page after the login", () => {
  it.each(["/", "/flows", "/flows?filter=tenant:101%20refused", "/flows/01M8ABC", "/tenants/101?since=2026-01-01"])(
    "may be %s",
    (page) => expect(ownPage(page)).toBe(page),
  );

  it.each([
    "",
    "flows",
    "//evil.example",
    "//evil.example/flows",
    "/\\evil.example",
    "\\\\evil.example",
    "/flows\\..\\x",
    "/\t/evil.example",
    "/%0d%0aSet-Cookie:x\r\n",
    "https://evil.example/",
    "https:/evil.example",
    "javascript:alert(1)",
    "/./\\/evil.example",
    "/.//evil.example",
    "/x/..//evil.example",
    "/flows\u0000",
    "/flüsse",
    "/api/session",
    "/docs/x",
    "/openapi",
    "/login/callback?state=x",
    "/x/../login/callback?code=1",
    "/assets/index-12345678.js",
    `/${"x".repeat(2000)}`,
  ])("is not %j", (page) => expect(ownPage(page)).toBeUndefined());
});
