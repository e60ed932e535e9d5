/**
 * The path of a request that is nobody's stands in the journal, whatever it was meant to be: nobody's number, id,
 * address or secret does.
 */
import { describe, expect, it } from "vitest";
import { refusalEntry } from "../../src/gateway/journal-entries.ts";
import { Refused } from "../../src/gateway/refused.ts";
import { newTrace } from "../../src/gateway/types.ts";
import type { PresentedBy } from "../../src/journal/entry.ts";
import { createRedactor } from "../../src/journal/redact.ts";
import { anArrival } from "../kit/line.ts";

const rules = { phone: "last4", customer_id: "token", fields: {}, others: "drop" } as const;
const redact = createRedactor(rules, "an index key for tests only, 32+");
const pathOf = (target: string): string | undefined => {
  const entry = refusalEntry({ redact }, newTrace(anArrival({ target })), new Refused("no-credential"));
  return (entry as { readonly presented?: PresentedBy }).presented?.path;
};

describe("the path of an unauthenticated request", () => {
  it.each([
    ["/records/15?req=RecordReject", "/records/15"],
    ["/lists/Alpha%20List?req=AddRecord", "/lists/Alpha%20List"],
    ["/lists/Customer%20Retention?req=AddRecord", "/lists/Customer%20Retention"],
    ["/campaigngroups/106", "/campaigngroups/106"],
    ["http://user:secret@gw.test/records/15", "/records/15"],
    ["*", undefined],
  ])("%s is journaled unchanged", (target, path) => expect(pathOf(target)).toBe(path));

  it.each([
    ["/customer_ids/CUST_AB?req=DoNotCall", "/customer_ids/······"],
    ["/Customer%5Fids/CUST_AB", "/Customer_ids/······"],
    ["/customer%255Fids/CUST_AB", "/customer_ids/······"],
    ["/customer_ids%2FCUST_AB", "/customer_ids/······"],
    ["/customer_ids;v=1/CUST_AB", "/customer_ids;v=······"],
    ["/customer_ids%5CCUST_AB", "/customer_ids\\······"],
    ["/customer_ids:CUST_AB", "/customer_ids:······"],
    ["/customers/CUST_AB", "/customers/······"],
    ["/customer/CUST_AB/orders", "/customer/······"],
    ["/phones;x/anna@example.com", "/phones;x/······"],
    ["/phone_numbers/anna", "/phone_numbers/······"],
    ["/contacts/anna", "/contacts/······"],
    ["/e-mail/anna", "/e-mail/······"],
    ["/records/anna@example.com", "/records/······"],
    ["/records/anna%2540example.com/15", "/records/······/15"],
    ["/records/4%2D1%2D5%2D5%2D5%2D5%2D0", "/records/······-5-0"],
    ["/%EF%BC%94%EF%BC%91%EF%BC%95%EF%BC%95%EF%BC%95%EF%BC%95%EF%BC%90%41", "/······５５５０A"],
    ["/ocsgw_abc/records/15", "/······/records/15"],
    [`/${"a1B2".repeat(8)}/records/15`, "/······/records/15"],
    ["/eyJhbGciOiJFUzI1NiIsImtpZCI6IjEifQ.eyJpc3MiOiJ4In0.c2ln", "/······"],
    ["/0a1b2c3d-0000-4000-8000-0a1b2c3d4e5f/records/15", "/······/records/15"],
  ])("%s is masked in the journal", (target, path) => expect(pathOf(target)).toBe(path));

  it.each([
    ["/records/\u202e51", "/records/·51"],
    ["/records/%E2%80%AE5550100", "/records/·······0100"],
    ["/records/\u2028x", "/records/·x"],
    ["/records/\u200bx", "/records/·x"],
  ])("%s is journaled with invisible characters replaced", (target, path) => expect(pathOf(target)).toBe(path));

  it.each(["phone", "customer/", "%25", "1-----", "a@", "/a", "x"])("made of %s is masked in linear time", (part) => {
    const took = (target: string): number => {
      const begun = performance.now();
      for (let times = 0; times < 20; times++) pathOf(target);
      return performance.now() - begun;
    };
    const [short, long] = [500, 8000].map((length) => `/${part.repeat(length / part.length)}`);
    took(short!);
    // Sixteen times as long; a cost that grows with the square would be 256 times as high.
    expect(took(long!)).toBeLessThan(64 * Math.max(1, took(short!)));
  });

  it("is truncated only after it was masked", () => {
    expect(pathOf("/x".repeat(100))).toHaveLength(100);
    expect(pathOf(`/${"x/".repeat(46)}4155550100`)).not.toContain("4155550");
  });
});
