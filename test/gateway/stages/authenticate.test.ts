import { describe, expect, it } from "vitest";
import { authenticate, tenantsOf, type AuthenticateDeps } from "../../../src/gateway/stages/authenticate.ts";
import { Refused } from "../../../src/gateway/refused.ts";
import type { Caller } from "../../../src/gateway/types.ts";
import type { IdentifyResult, Identity } from "../../../src/identity/credentials.ts";
import { createRegistry, keyOf } from "../../../src/tenancy/registry.ts";
import { anArrival, aTenant, beta } from "../../kit/line.ts";
import { codeOf } from "../../kit/stages.ts";

const clients = new Map([["alpha", { actions: new Set([]), campaignGroups: undefined }]]);
const TENANTS = [aTenant(), beta({ clients })];
const credential = { kind: "key", id: "k1" } as const;
const run = (result: IdentifyResult | Promise<IdentifyResult>, over: Partial<AuthenticateDeps> = {}) =>
  authenticate(
    { identify: () => result, challenge: "Basic", registry: createRegistry(TENANTS), ...over },
    anArrival({ target: "/" }),
  );

describe("authenticate", () => {
  it.each<[string, Partial<Identity>, readonly number[]]>([
    ["a client of two tenants", {}, [101, 102]],
    ["a token that claims one of them by DBID", { tenant: "102" }, [102]],
    ["a token that claims one of them by name", { tenant: "Alpha Tenant" }, [101]],
    ["a key for one of them", { tenants: [keyOf(TENANTS[1]!)] }, [102]],
  ])("makes a caller of %s", async (_what, over, dbids) => {
    const caller = await run({ client: "alpha", credential, ...over });
    expect([caller.client, caller.credential, caller.tenants.map(({ dbid }) => dbid)]).toEqual([
      "alpha",
      credential,
      dbids,
    ]);
  });

  it.each<[string, IdentifyResult, string]>([
    ["no credential", { denied: "no-credential", reason: "none" }, "OCSGW-2001"],
    ["a rejected key", { denied: "key-unknown", reason: "unknown" }, "OCSGW-2001"],
    ["too many failures", { denied: "throttled", reason: "too many", retryAfter: 3 }, "OCSGW-2002"],
    ["an issuer without keys", { denied: "issuer-unavailable", reason: "no keys" }, "OCSGW-2003"],
    ["a client of no tenant", { client: "nobody", credential }, "OCSGW-2001"],
    ["a token that claims another tenant", { client: "alpha", credential, tenant: "103" }, "OCSGW-2001"],
    ["a key for other tenants", { client: "alpha", credential, tenants: [] }, "OCSGW-2001"],
  ])("refuses %s", async (_what, result, code) => {
    expect(await codeOf(() => run(result))).toBe(code);
    expect(await codeOf(() => run(Promise.resolve(result)))).toBe(code);
  });

  it("gives reason and key to the journal, but not to the client", async () => {
    const refused = await Promise.resolve()
      .then(() => run({ denied: "key-revoked", reason: "key k1 was revoked", key: "k1" }))
      .catch((error: unknown) => error as Refused);
    expect(refused).toMatchObject({
      message: "no usable credential",
      details: { authFailure: "key-revoked", reason: "key-revoked: key k1 was revoked", key: "k1" },
    });
  });

  it("records the registry and the revision with which the credential was checked", async () => {
    const registry = createRegistry(TENANTS);
    const inForce = { registry, revision: 7, isRevoked: () => false, identifyAgain: () => undefined };
    const caller: Caller = await run({ client: "alpha", credential }, { inForce: () => inForce });
    expect(caller.checkedUnder).toEqual({ registry, revision: 7 });
    expect((await run({ client: "alpha", credential })).checkedUnder).toBeUndefined();
  });

  it("is synchronous if identify is", () => {
    expect(run({ client: "alpha", credential })).not.toBeInstanceOf(Promise);
  });
});

it("tenantsOf only restricts a client's tenants", () => {
  expect(tenantsOf(TENANTS, { client: "alpha", credential, tenant: "102", tenants: [keyOf(TENANTS[0]!)] })).toEqual([]);
});
