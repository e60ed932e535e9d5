import { describe, expect, it } from "vitest";
import { idsInCookies, noCookies, sessionCookie } from "../../../src/admin/sessions/cookie.ts";

describe("the cookie of a session", () => {
  it("is for this host only, and scripts and other sites do not get it", () => {
    expect(sessionCookie("ID", { port: 9640, isSecure: true })).toEqual([
      "Set-Cookie",
      "__Host-ocsgw-9640=ID; Path=/; HttpOnly; SameSite=Strict; Secure",
    ]);
    expect(sessionCookie("ID", { port: 9640, isSecure: false })).toEqual([
      "Set-Cookie",
      "ocsgw-9640=ID; Path=/; HttpOnly; SameSite=Strict",
    ]);
  });

  it("is removed under both names", () =>
    expect(noCookies(1).map(([, value]) => value)).toEqual([
      "__Host-ocsgw-1=; Path=/; HttpOnly; SameSite=Strict; Secure; Max-Age=0",
      "ocsgw-1=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0",
    ]));

  it.each<readonly [is: string, values: readonly string[], ids: readonly string[]]>([
    ["alone", ["ocsgw-9640=a"], ["a"]],
    ["with the prefix", ["__Host-ocsgw-9640=a"], ["a"]],
    ["between others", ["x=1; ocsgw-9640=a;y=2"], ["a"]],
    ["in a second header", ["x=1", "ocsgw-9640=a"], ["a"]],
    ["with both names, where the one that only https can set is taken", ["ocsgw-9640=b; __Host-ocsgw-9640=a"], ["a"]],
    ["twice the same", ["ocsgw-9640=a; ocsgw-9640=a"], ["a"]],
    ["twice, of which another port may have set one", ["ocsgw-9640=a; ocsgw-9640=b"], ["a", "b"]],
    ["twice in two headers", ["ocsgw-9640=a", "ocsgw-9640=b"], ["a", "b"]],
    ["of another port", ["ocsgw-9641=a"], []],
    ["with another prefix", ["__Secure-ocsgw-9640=a; xocsgw-9640=b"], []],
    ["in another case", ["OCSGW-9640=a"], []],
    ["empty", ["ocsgw-9640="], [""]],
    ["not at all", [], []],
  ])("is read %s", (_, values, ids) =>
    expect(
      idsInCookies(
        values.map((value, at) => [at === 0 ? "cookie" : "Cookie", value]),
        { port: 9640, isTls: false },
      ),
    ).toEqual(ids),
  );

  it.each<readonly [is: string, value: string, ids: readonly string[]]>([
    ["with the prefix", "ocsgw-9640=b; __Host-ocsgw-9640=a", ["a"]],
    ["without it, which another host of the domain can set", "ocsgw-9640=b", []],
  ])("is read over TLS %s", (_, value, ids) =>
    expect(idsInCookies([["Cookie", value]], { port: 9640, isTls: true })).toEqual(ids),
  );
});
