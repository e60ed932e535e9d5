import { describe, expect, it } from "vitest";
import { hrefOf, matchPath } from "../../src/console/router.ts";

describe("an address", () => {
  it.each([
    ["/flows", "/flows", {}],
    ["/flows", "/flows/", {}],
    ["/flows/{id}", "/flows/01KA", { id: "01KA" }],
    ["/tenants/{name}", "/tenants/Alpha%20Tenant", { name: "Alpha Tenant" }],
    ["/tenants/{name}", "/tenants/100%", { name: "100%" }],
    ["/flows/{id}", "/flows/", undefined],
    ["/flows", "/flows/01KA", undefined],
    ["/flows/{id}", "/flow/01KA", undefined],
  ])("%s fits %s: %o", (pattern, path, params) => expect(matchPath(pattern, path)).toEqual(params));

  it("leaves out empty parts of the query", () =>
    expect(hrefOf("/flows", { filter: 'tenant:"A & B"', view: "", at: undefined })).toBe(
      "/flows?filter=tenant%3A%22A+%26+B%22",
    ));
});
