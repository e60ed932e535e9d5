import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { createRedactor, type Mode, type RedactRules } from "../../src/journal/redact.ts";

const KEY = "a key of thirty-two bytes or so…";
const rules = (changes: Partial<RedactRules> = {}): RedactRules => ({ phone: "last4", customer_id: "token", fields: { CUSTOMER_CODE: "token" }, others: "drop", ...changes });
const token = (kind: string, value: string): string => `t1:${createHmac("sha256", KEY).update(`${kind}\0${value}`).digest("hex")}`;

describe("redact › body", () => {
  const rows: [name: string, value: unknown, mode: Mode, expected: unknown][] = [
    ["GSW_PHONE", "4155550100", "last4", "······0100"],
    ["GSW_PHONE", 4155550100, "last4", "······0100"],
    ["GSW_PHONE", 4155550100n, "last4", "······0100"],
    ["GSW_PHONE", "+1 415 555-0100", "last4", "······0100"],
    ["GSW_PHONE", "+1234", "last4", "······"],
    ["GSW_PHONE", "911", "last4", "······"],
    ["GSW_PHONE", "4155550100", "keep", "4155550100"],
    ["GSW_PHONE", 4155550100, "token", token("phone", "4155550100")],
    ["GSW_PHONE", "4155550100", "drop", undefined],
    ["gsw_phone", "4155550100", "last4", "······0100"],
    ["GSW_PHONE", ["4155550100"], "last4", undefined],
  ];
  it.each(rows)("writes %s %o by %s as %o", (name, value, mode, expected) => {
    const body = createRedactor(rules({ phone: mode, others: "keep" }), KEY).body(new Map([[name, value]]));
    expect(body).toEqual(expected === undefined ? {} : { [name]: expected });
  });

  const others: [name: string, value: unknown, expected: unknown][] = [
    ["GSW_CUSTOMER_ID", "C-77", token("customer_id", "C-77")],
    ["GSW_CUSTOMER_ID", 77, token("customer_id", "77")],
    ["GSW_TENANT_DBID", 101, 101],
    ["GSW_TENANT_NAME", "Alpha Tenant", "Alpha Tenant"],
    ["GSW_CHAIN_ID", 9_007_199_254_740_993n, 9_007_199_254_740_993n],
    ["CUSTOMER_CODE", "X1", token("field:CUSTOMER_CODE", "X1")],
    ["FIRST_NAME", "Ada", undefined],
    ["constructor", "Ada", undefined],
    ["gsw_unknown", "Ada", undefined],
  ];
  it.each(others)("writes %s %o as %o", (name, value, expected) => {
    expect(createRedactor(rules(), KEY).body(new Map([[name, value]]))).toEqual(expected === undefined ? {} : { [name]: expected });
  });

  it("walks into GSW_CM_AttrProperties", () => {
    const inside = new Map<string, unknown>([["GSW_AUTO_COMPLETION", 1], ["GSW_PHONE", 4155550100], ["NOTE", "call Ada"]]);
    expect(createRedactor(rules(), KEY).body(new Map([["GSW_CM_AttrProperties", inside]]))).toEqual({ GSW_CM_AttrProperties: { GSW_AUTO_COMPLETION: 1, GSW_PHONE: "······0100" } });
  });

  it("takes a field called __proto__ for a field", () => {
    const body = createRedactor(rules({ others: "keep" }), KEY).body(new Map([["__proto__", "x"]]));
    expect(JSON.stringify(body)).toBe('{"__proto__":"x"}');
  });

  it("never writes four characters of a value that has no more", () => {
    expect(createRedactor(rules({ others: "last4" }), KEY).body(new Map<string, unknown>([["PIN", 1234], ["CARD", "12345"]]))).toEqual({ PIN: "······", CARD: "······2345" });
  });
});

describe("redact › identifier", () => {
  const rows: [resource: string, value: string, phone: Mode, expected: string | null][] = [
    ["phones", "4155550100", "last4", "······0100"],
    ["phones", "4155550100", "token", token("phone", "4155550100")],
    ["phones", "4155550100", "drop", null],
    ["customer_ids", "C-77", "last4", token("customer_id", "C-77")],
    ["records", "15", "drop", "15"],
    ["lists", "Alpha List", "drop", "Alpha List"],
  ];
  it.each(rows)("shows %s/%s by %s as %s", (resource, value, phone, expected) => {
    expect(createRedactor(rules({ phone }), KEY).identifier(resource, value)).toBe(expected);
  });
});

describe("redact › tokens", () => {
  const { tokens } = createRedactor(rules(), KEY);
  const none = new Map<string, unknown>();

  it("are equal for equal values, wherever and in whatever type they stand", () => {
    const phone = token("phone", "4155550100");
    expect(tokens("phones", "4155550100", none)).toEqual({ phone });
    expect(tokens("records", "15", new Map([["GSW_PHONE", 4155550100]]))).toEqual({ phone });
    expect(tokens("records", "15", new Map([["GSW_PHONE", 4155550100n]]))).toEqual({ phone });
    expect(tokens("phones", "+4155550100", none)).toEqual({ phone });
  });

  it("differ by value, by class and by key", () => {
    expect(tokens("phones", "4155550101", none)?.phone).not.toBe(tokens("phones", "4155550100", none)?.phone);
    expect(tokens("customer_ids", "4155550100", none)?.customer_id).not.toBe(tokens("phones", "4155550100", none)?.phone);
    expect(createRedactor(rules(), `${KEY}!`).tokens("phones", "4155550100", none)).not.toEqual(tokens("phones", "4155550100", none));
  });

  it("are left out where there is no value or the value is dropped", () => {
    expect(tokens("lists", "Alpha List", none)).toBeUndefined();
    expect(createRedactor(rules({ phone: "drop" }), KEY).tokens("phones", "4155550100", none)).toBeUndefined();
  });

  it("gives a look-up the token of the journal", () => {
    const redactor = createRedactor(rules(), KEY);
    expect(redactor.token("phone", "415-555-0100")).toBe(redactor.tokens("phones", "4155550100", none)?.phone);
  });

  it("refuses a key that could be guessed", () => {
    expect(() => createRedactor(rules(), "short")).toThrow("at least 16 bytes");
  });
});

describe("a number where a list's name belongs", () => {
  const redactor = createRedactor({ phone: "last4", customer_id: "token", fields: {}, others: "drop" }, "a key of 16 bytes and more");
  it.each(["4155550100", "+1 415 555-0100", "(415) 555 0100"])("is masked as a phone: %s", (name) => expect(redactor.identifier("lists", name)).toBe("······0100"));
  it.each([["tel:4155550100", "tel:······0100"], ["x4155550100", "x······0100"], ["415.555.0100 ext 5", "······0100 ext 5"], ["Mr ４１５５５５０１００", "Mr ······０１００"]])("is masked in a text: %s", (name, masked) => expect(redactor.identifier("lists", name)).toBe(masked));
  it("and is kept when it is a name from the config", () => expect(redactor.identifier("lists", "Winback 2026-11-22 10", true)).toBe("Winback 2026-11-22 10"));
  it.each(["Alpha List", "List 2026", "2026-11"])("and a name is kept: %s", (name) => expect(redactor.identifier("lists", name)).toBe(name));
});

describe("the keys of the tokens", () => {
  const rules = { phone: "last4", customer_id: "token", fields: {}, others: "drop" } as const;
  const [old, young] = [{ epoch: "t1", secret: "the first key, of 16 bytes and more" }, { epoch: "t2", secret: "the second key, of 16 bytes and more" }];
  it("are one of epoch t1, or several of which the last makes tokens", () => {
    expect(createRedactor(rules, old.secret).token("phone", "4155550100")).toBe(createRedactor(rules, [old]).token("phone", "4155550100"));
    expect(createRedactor(rules, [old, young]).token("phone", "4155550100")).toMatch(/^t2:[0-9a-f]{64}$/);
    expect(createRedactor(rules, [young, old]).token("phone", "4155550100")).toBe(createRedactor(rules, old.secret).token("phone", "4155550100"));
  });
});
