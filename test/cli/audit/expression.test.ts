import { describe, expect, it } from "vitest";
import { expressionOf } from "../../../src/cli/audit/expression.ts";

describe("a filter from a shell", () => {
  it.each([
    [["tenant:Alpha Tenant"], 'tenant:"Alpha Tenant"'],
    [["-tenant:Alpha Tenant", "is:ok"], '-tenant:"Alpha Tenant" is:ok'],
    [["list:Winback or not 2026112200"], 'list:"Winback or not 2026112200"'],
    [["action:DoNotCall tenant:101"], "action:DoNotCall tenant:101"],
    [["action:DoNotCall OCSGW-2104"], "action:DoNotCall OCSGW-2104"],
    [["action:DoNotCall 01M8BQR2G8"], "action:DoNotCall 01M8BQR2G8"],
    [["action:DoNotCall OR OCSGW-2104"], "action:DoNotCall OR OCSGW-2104"],
  ])("%j becomes %s", (words, expression) => expect(expressionOf(words)).toBe(expression));

  it("is put in parentheses if times are given too", () =>
    expect(expressionOf(["is:ok", "OR", "is:open"], { since: "7d" })).toBe("(is:ok OR is:open) since:7d"));
});
