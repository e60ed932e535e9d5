import { describe, expect, it } from "vitest";
import { mutated, read } from "../kit.ts";

const CLAIMS = "claims: { role: roles }";
const load = (rest: string, issuer = "https://sso.example/realms/main") =>
  read(
    mutated([
      "admin: { bind: 127.0.0.1:9640 }\n",
      `admin: { bind: 127.0.0.1:9640, oidc: { issuer: "${issuer}", client_id: console, ${rest} } }\n`,
    ]),
  );

describe("admin.oidc", () => {
  it("needs an issuer, a client and the claim of roles; everything else has a default", () => {
    const loaded = load(CLAIMS);
    expect(loaded.ok && loaded.settings.admin!.oidc).toEqual({
      issuer: "https://sso.example/realms/main",
      client_id: "console",
      client_secret: null,
      client_auth: "basic",
      name: null,
      address: null,
      scopes: ["openid", "profile"],
      claims: { user: "preferred_username", role: "roles", tenants: null },
      roles: { viewer: ["viewer"], operator: ["operator"], auditor: ["auditor"] },
      all_tenants: null,
      ca: null,
      clock_skew: 30_000,
    });
  });

  it("takes a claim inside others, and an address in any spelling", () => {
    const loaded = load('claims: { role: [realm_access, roles] }, address: "HTTPS://127.0.0.1:443/"');
    expect(loaded.ok && loaded.settings.admin!.oidc).toMatchObject({
      claims: { role: ["realm_access", "roles"] },
      address: "https://127.0.0.1",
    });
  });

  it.each<[what: string, rest: string, message: RegExp, issuer?: string]>([
    ["no claim of roles", "claims: {}", /role/],
    ["no claims at all", "name: SSO", /claims/],
    ["an empty path of a claim", "claims: { role: [] }", /name of a claim/],
    ["an unknown role", `${CLAIMS}, roles: { admin: [x] }`, /admin/],
    ["an issuer with a query", CLAIMS, /without user, password, query or fragment/, "https://sso.example/?x=1"],
    ["an issuer with a password", CLAIMS, /without user, password/, "https://me:secret@sso.example/"],
    ["an issuer that is no address", CLAIMS, /http or https address/, "sso.example"],
    ["an address with a path", `${CLAIMS}, address: "https://console.example/x"`, /without a path/],
    ["scopes without openid", `${CLAIMS}, scopes: [profile]`, /openid/],
    ["two scopes in one text", `${CLAIMS}, scopes: ["openid profile"]`, /without spaces/],
  ])("is rejected with %s", (_, rest, message, issuer) => {
    const loaded = load(rest, issuer);
    expect(loaded.ok).toBe(false);
    expect(loaded.ok || loaded.problems.map((problem) => problem.message).join("\n")).toMatch(message);
  });

  it("never shows its secret in a problem", () => {
    const loaded = load(`${CLAIMS}, client_secret: [canary-of-a-secret]`);
    expect(loaded.ok || loaded.problems[0]!.path).toBe("admin.oidc.client_secret");
    expect(JSON.stringify(loaded.ok || loaded.problems)).not.toContain("canary-of-a-secret");
  });
});
