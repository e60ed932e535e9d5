import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { createRedactor, type Mode, type RedactRules } from "../../src/journal/redact.ts";
import { tokensFor } from "../../src/journal/search/phone-variants.ts";

const KEY = "a key of thirty-two bytes or so…";
const rules = (changes: Partial<RedactRules> = {}): RedactRules => ({
  phone: "last4",
  customer_id: "token",
  fields: { CUSTOMER_CODE: "token" },
  others: "drop",
  ...changes,
});
const token = (kind: string, value: string): string =>
  `t1:${createHmac("sha256", KEY).update(`${kind}\0${value}`).digest("hex")}`;

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
    expect(createRedactor(rules(), KEY).body(new Map([[name, value]]))).toEqual(
      expected === undefined ? {} : { [name]: expected },
    );
  });

  const dropped: [what: string, fields: Record<string, unknown>, names: string[] | undefined][] = [
    ["a field without a rule", { FIRST_NAME: "Ada" }, ["FIRST_NAME"]],
    ["a field whose rule drops it", { SECRET: 1, CUSTOMER_CODE: 2 }, ["SECRET"]],
    ["a value that has no token", { CUSTOMER_CODE: ["a", "b"] }, ["CUSTOMER_CODE"]],
    ["a name that may be a number", { "4155550100": 1, "id 4155550100": 2 }, ["······0100", "id ······0100"]],
    ["no field of OCS", { GSW_PHONE: "4155550100", GSW_TZ_NAME: "PST" }, undefined],
    ["nothing where everything is recorded", { CUSTOMER_CODE: "X1" }, undefined],
  ];
  it.each(dropped)("names %s and no value", (_, fields, names) => {
    const redactor = createRedactor(rules({ phone: "drop", fields: { CUSTOMER_CODE: "token", SECRET: "drop" } }), KEY);
    expect(redactor.dropped(new Map(Object.entries(fields)))).toEqual(names);
  });

  it("redacts inside GSW_CM_AttrProperties", () => {
    const inside = new Map<string, unknown>([
      ["GSW_AUTO_COMPLETION", 1],
      ["GSW_PHONE", 4155550100],
      ["NOTE", "call Ada"],
    ]);
    expect(createRedactor(rules(), KEY).body(new Map([["GSW_CM_AttrProperties", inside]]))).toEqual({
      GSW_CM_AttrProperties: { GSW_AUTO_COMPLETION: 1, GSW_PHONE: "······0100" },
    });
  });

  it("treats a field called __proto__ as any other field", () => {
    const body = createRedactor(rules({ others: "keep" }), KEY).body(new Map([["__proto__", "x"]]));
    expect(JSON.stringify(body)).toBe('{"__proto__":"x"}');
  });

  it("never shows the last four characters of a value that has no more", () => {
    expect(
      createRedactor(rules({ others: "last4" }), KEY).body(
        new Map<string, unknown>([
          ["PIN", 1234],
          ["CARD", "12345"],
        ]),
      ),
    ).toEqual({ PIN: "······", CARD: "······2345" });
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

  it("are equal for equal values, in the URI or the body, as number or text", () => {
    const phone = token("phone", "4155550100");
    expect(tokens("phones", "4155550100", none)).toEqual({ phone });
    expect(tokens("records", "15", new Map([["GSW_PHONE", 4155550100]]))).toEqual({ phone });
    expect(tokens("records", "15", new Map([["GSW_PHONE", 4155550100n]]))).toEqual({ phone });
    expect(tokens("phones", "+4155550100", none)).toEqual({ phone });
  });

  it.each([
    ["a@b.example", "c@b.example"],
    ["john7@crm.example", "mary7@crm.example"],
    ["user.7", "guest.7"],
    ["sip:4711", "4711"],
    ["4155550100@sms.example", "4155550100"],
  ])("keep the letters of an address: %s is not %s", (one, other) => {
    const by = (phone: string): string | undefined => tokens("phones", phone, none)?.phone;
    expect(by(one)).not.toBe(by(other));
    expect(by(one)).toBe(by(one.toUpperCase()));
    expect(tokensFor({ kind: "phone", value: ` ${one.toUpperCase()}` }, KEY)?.tokens).toContain(by(one));
  });

  it.each([
    "tel:+1-415-555-0100",
    "(415) 555.0100",
    "4155550100",
    "4155550100x12",
    "415 555 0100 ext. 12",
    "415 555 0100;ext=12",
  ])("use only the digits of a number: %s", (spelled) => {
    expect(tokens("records", "15", new Map([["GSW_PHONE", spelled]]))).toEqual({
      phone: token("phone", spelled.replaceAll(/\D/g, "")),
    });
  });

  it("differ by value, by class and by key", () => {
    expect(tokens("phones", "4155550101", none)?.phone).not.toBe(tokens("phones", "4155550100", none)?.phone);
    expect(tokens("customer_ids", "4155550100", none)?.customer_id).not.toBe(
      tokens("phones", "4155550100", none)?.phone,
    );
    expect(createRedactor(rules(), `${KEY}!`).tokens("phones", "4155550100", none)).not.toEqual(
      tokens("phones", "4155550100", none),
    );
  });

  it("are left out if there is no value or the value is dropped", () => {
    expect(tokens("lists", "Alpha List", none)).toBeUndefined();
    expect(createRedactor(rules({ phone: "drop" }), KEY).tokens("phones", "4155550100", none)).toBeUndefined();
  });

  it("that were made earlier are kept as far as the rules keep such values now", () => {
    const made = { phone: "t1:one", customer_id: "t1:two" };
    expect(createRedactor(rules(), KEY).kept(made)).toEqual(made);
    expect(createRedactor(rules({ phone: "drop" }), KEY).kept(made)).toEqual({ customer_id: "t1:two" });
    expect(createRedactor(rules({ customer_id: "drop" }), KEY).kept(made)).toEqual({ phone: "t1:one" });
    expect(createRedactor(rules({ phone: "drop", customer_id: "drop" }), KEY).kept(made)).toBeUndefined();
  });

  it("of a look-up equal those of the journal", () => {
    const redactor = createRedactor(rules(), KEY);
    expect(redactor.token("phone", "415-555-0100")).toBe(redactor.tokens("phones", "4155550100", none)?.phone);
  });

  it("refuse a key that is short enough to guess", () => {
    expect(() => createRedactor(rules(), "short")).toThrow("at least 16 bytes");
  });
});

describe("a phone number in an unexpected place", () => {
  const redactor = createRedactor(
    { phone: "last4", customer_id: "token", fields: {}, others: "keep" },
    "a key of 16 bytes and more",
  );
  const [written, masked] = ["415_555,01:00", "······1:00"];
  const isOurs = (text: string): boolean => text === "Winback 2026-11-22 10";

  it("is masked in a list's name, unless the config has that name", () => {
    expect(redactor.identifier("lists", written)).toBe(masked);
    expect(redactor.identifier("lists", "Winback 2026-11-22 10", true)).toBe("Winback 2026-11-22 10");
  });

  it.each([
    "GSW_TZ_NAME",
    "GSW_AGENT_ID",
    "GSW_CALLING_LIST",
    "GSW_CAMPAIGN_NAME",
    "GSW_TENANT_NAME",
    "GSW_SOMETHING_NEW",
  ])("is masked in %s", (name) => {
    expect(redactor.body(new Map([[name, written]]))).toEqual({ [name]: masked });
    expect(redactor.body(new Map([["GSW_CM_AttrProperties", new Map([[name, written]])]]))).toEqual({
      GSW_CM_AttrProperties: { [name]: masked },
    });
  });

  it("is kept in a date, in a name from the config, and in fields that the config keeps", () => {
    const said = { GSW_DATE_TIME: "12/24/2026 10:00", GSW_CALLING_LIST: "Winback 2026-11-22 10", NOTE: written };
    expect(redactor.body(new Map(Object.entries(said)), isOurs)).toEqual(said);
  });

  it("is masked in the names of fields, and no field is lost", () => {
    expect(
      redactor.body(
        new Map<string, unknown>([
          ["415-555-0100", 1],
          ["415-555-0100 ", 2],
          ["14155550100", 3],
          ["NOTE", 4],
        ]),
      ),
    ).toEqual({ "······0100": 1, "······0100 ": 2, "······0100 (2)": 3, NOTE: 4 });
    const declared = createRedactor(
      { phone: "last4", customer_id: "token", fields: { F_20261129_1: "keep" }, others: "drop" },
      "a key of 16 bytes and more",
    );
    expect(declared.body(new Map([["F_20261129_1", "x"]]))).toEqual({ F_20261129_1: "x" });
  });
});

describe("the index keys", () => {
  const rules = { phone: "last4", customer_id: "token", fields: {}, others: "drop" } as const;
  const [old, young] = [
    { epoch: "t1", secret: "the first key, of 16 bytes and more" },
    { epoch: "t2", secret: "the second key, of 16 bytes and more" },
  ];
  it("are one key of epoch t1, or several of which the last makes tokens", () => {
    expect(createRedactor(rules, old.secret).token("phone", "4155550100")).toBe(
      createRedactor(rules, [old]).token("phone", "4155550100"),
    );
    expect(createRedactor(rules, [old, young]).token("phone", "4155550100")).toMatch(/^t2:[0-9a-f]{64}$/);
    expect(createRedactor(rules, [young, old]).token("phone", "4155550100")).toBe(
      createRedactor(rules, old.secret).token("phone", "4155550100"),
    );
  });
});
