import { describe, expect, it } from "vitest";
import { parseBody } from "../../../src/gateway/stages/parse-body.ts";
import { Violation } from "../../../src/ocs/violation.ts";
import type { HeaderLine } from "../../../src/common/message.ts";
import { anArrival, aTenant, beta } from "../../kit/line.ts";
import { codeOf, grantFor, stageDeps } from "../../kit/stages.ts";

const TENANTS = [aTenant()];
const DNC = "/phones/4155550100?req=DoNotCall";
const parse = async (body: string, headers: readonly HeaderLine[] = [], surplus = false) => {
  const arrival = anArrival({ target: DNC, body, headers, surplus });
  return parseBody({}, arrival, await grantFor(TENANTS, arrival, stageDeps(TENANTS)));
};
const length = (bytes: number): HeaderLine => ["Content-Length", String(bytes)];
const type = (value: string): HeaderLine => ["Content-Type", value];

describe("parseBody", () => {
  it.each<[string, string, readonly HeaderLine[], readonly (readonly [string, unknown])[]]>([
    ["no body", "", [], []],
    ["an empty object", "{}", [type("application/json")], []],
    ["an integer in quotes", '{"GSW_TENANT_DBID":"101"}', [], [["GSW_TENANT_DBID", 101]]],
    ["a type without a body", "", [type("text/plain"), length(0)], []],
  ])("reads %s", async (_what, body, headers, attributes) => {
    expect([...(await parse(body, headers)).attributes]).toEqual(attributes);
  });

  it.each<[string, string, readonly HeaderLine[], boolean, string]>([
    ["a body that is not JSON", "x", [], false, "OCSGW-1003"],
    ["a truncated body", '{"A":', [], false, "OCSGW-1003"],
    ["a truncated body followed by its rest", '{"A":', [], true, "OCSGW-1006"],
    ["another type", "{}", [type("text/plain"), length(2)], false, "OCSGW-1009"],
    ["another type of a chunked body", "{}", [type("text/plain")], false, "OCSGW-1009"],
    ["another charset", "{}", [type("application/json; charset=latin1")], false, "OCSGW-1009"],
    ["a malformed type", "{}", [type("nonsense")], false, "OCSGW-1009"],
    ["an encoded body", "{}", [["Content-Encoding", "gzip"]], false, "OCSGW-1009"],
  ])("refuses %s", async (_what, body, headers, surplus, code) => {
    expect(await codeOf(() => parse(body, headers, surplus))).toBe(code);
  });

  it.each([
    ["attribute", '{"GSW_SOMETHING":1}'],
    ["duplicate-scope-key", '{"GSW_TENANT_DBID":101,"gsw_tenant_dbid":102}'],
  ])("throws a Violation for an invalid body: %s", async (rule, body) => {
    await expect(parse(body)).rejects.toThrow(Violation);
    await expect(parse(body)).rejects.toMatchObject({ rule });
  });

  it("does not read a body of a refused type if its length is announced", async () => {
    const arrival = {
      ...anArrival({ target: DNC, headers: [type("text/plain"), length(2)] }),
      body: () => Promise.reject(new Error("must not be read")),
    };
    const grant = await grantFor(TENANTS, arrival, stageDeps(TENANTS));
    expect(await codeOf(() => parseBody({}, arrival, grant))).toBe("OCSGW-1009");
  });

  it.each([
    ["one tenant, which was charged already", [aTenant({ clients: beta().clients })], []],
    ["several tenants", [aTenant({ clients: beta().clients }), beta()], [101, 102]],
  ])("charges the client for a refused body if the grant has %s", async (_what, tenants, charged) => {
    const dbids: number[] = [];
    const arrival = anArrival({ target: DNC, body: "x", as: "beta" });
    const grant = await grantFor(tenants, arrival, stageDeps(tenants));
    const chargeClient = ({ dbid }: { readonly dbid: number }) => {
      dbids.push(dbid);
      return { allowed: true, retryAfter: 0, headers: [], exceeded: undefined };
    };
    expect(await codeOf(() => parseBody({ chargeClient }, arrival, grant))).toBe("OCSGW-1003");
    expect(dbids).toEqual(charged);
  });
});
