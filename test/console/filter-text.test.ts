import { describe, expect, it } from "vitest";
import { looksPersonal, quoted, withTerm, wordsOf } from "../../src/console/filter-text.ts";

describe("a text for the search box or the filter", () => {
  it.each([
    "4155550100",
    "+1 415 555 0100",
    "(415) 555-0100",
    "415-555-0100",
    "phone:4155550100",
    "phone:+14155550100",
    'phone:"415 555 0100"',
    "-phone:4155550100 status:200",
    "phone:t1:9f2c4d00aa11,4155550100",
    "phone:t1:4155550100",
    "phone:1:415555010012",
    "customer:C-104",
    "customer_id:12345678",
    "client:4155550100",
    "action:DoNotCall 4155550100",
  ])("is not searched if it may be a person's number: %s", (text) => expect(looksPersonal(text)).toBe(true));

  it.each([
    "",
    "status:>=400",
    "phone:t1:9f2c4d00aa11",
    "phone:",
    "record:4155550100",
    "id:01KAPQ8C10QX",
    "time:2026-11-22T12:00..2026-11-23T12:10",
    "source:192.168.100.200",
    'tenant:"Alpha Tenant" -is:ok',
    "lane:ocs-main/2",
    "config:1234567890ab",
    "(is:refused OR is:no-answer) client:ivr-*",
  ])("is searched otherwise: %s", (text) => expect(looksPersonal(text)).toBe(false));
});

describe("terms", () => {
  it.each([
    ["Alpha Tenant", '"Alpha Tenant"'],
    ["ors-main", "ors-main"],
    ["OR", '"OR"'],
    ['say "hi"', '"say \\"hi\\""'],
    ["a,b", '"a,b"'],
    ["(x)", '"(x)"'],
    ["ocs/1", "ocs/1"],
  ])("quote %s", (value, written) => expect(quoted(value)).toBe(written));

  it("are split at blanks outside quotes", () =>
    expect(wordsOf('tenant:"Alpha Tenant"  status:>=400 -client:"a \\" b" x')).toEqual([
      'tenant:"Alpha Tenant"',
      "status:>=400",
      '-client:"a \\" b"',
      "x",
    ]));

  it("are added once, and replace their opposite", () => {
    expect(withTerm("status:410", "client:a")).toBe("status:410 client:a");
    expect(withTerm("status:410 client:a", "client:a")).toBe("status:410 client:a");
    expect(withTerm("-client:a status:410", "client:a")).toBe("status:410 client:a");
    expect(withTerm("client:a", "-client:a")).toBe("-client:a");
    expect(withTerm("", 'tenant:"Alpha Tenant"')).toBe('tenant:"Alpha Tenant"');
  });
});
