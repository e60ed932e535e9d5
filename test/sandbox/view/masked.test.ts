/** What people are shown of a request that OCS read. */
import { describe, expect, it } from "vitest";
import { masked } from "../../../src/sandbox/view/masked.ts";

const show = (given: {
  readonly method?: string;
  readonly target?: string;
  readonly body?: string;
  readonly agent?: string;
}) =>
  masked({
    time: "",
    instance: "primary",
    connection: 1,
    method: given.method ?? "POST",
    target: given.target ?? "/records/15?req=RecordReject",
    headers: given.agent === undefined ? [] : [["User-Agent", given.agent]],
    body: given.body ?? "",
  });

describe("a request of OCS", () => {
  it.each([
    ["a phone number", "/phones/4155550177?req=DoNotCall", "/phones/······0177?req=DoNotCall"],
    ["one in percent-encoding", "/phones/%34155550177?req=DoNotCall", "/phones/······0177?req=DoNotCall"],
    ["one in absolute form", "http://ocs:8080/phones/4155550177?req=DoNotCall", "/phones/······0177?req=DoNotCall"],
    ["a customer id", "/customer_ids/C-1001?req=DoNotCall", "/customer_ids/······1001?req=DoNotCall"],
    ["a list", "/lists/Alpha%20List?req=AddRecord", "/lists/Alpha List?req=AddRecord"],
    ["a list with a number", "/lists/L%204155550177?req=AddRecord", "/lists/L ······0177?req=AddRecord"],
    ["a handle", "/records/15?req=RecordReject", "/records/15?req=RecordReject"],
    ["what is no request of OCS", "/x/%34155550177?y=415-555-0178", "/x/······0177?y=······0178"],
    ["a customer id for no action", "/customer_ids/SMITH-1001?req=Bogus", "/customer_ids/······1001?req=Bogus"],
    ["one before a slash", "/customer_ids/SMITH-1001/", "/customer_ids/······1001/"],
    ["one with an encoded slash", "/customer_ids/A%2FSMITH-1001/x", "/customer_ids/······1001/x"],
    ["one in an encoded resource", "/customer%5Fids/SMITH-1001/", "/customer_ids/······1001/"],
    [
      "one in a parameter",
      "/phones/4155550177?req=DoNotCall&id=SMITH-1001",
      "/phones/······0177?req=DoNotCall&id=······1001",
    ],
    ["one without an action", "http://ocs/Customer_IDs/SMITH-1001", "http://ocs/Customer_IDs/······1001"],
    ["invalid percent-encoding", "/x/%zz4155550177", "/x/%zz······0177"],
  ])("with %s in its target is shown without it", (_what, target, shown) => {
    expect(show({ target }).target).toBe(shown);
  });

  it.each([
    [
      "OCS's own members",
      { GSW_TENANT_DBID: 101, GSW_CALL_RESULT: 33 },
      '{"GSW_TENANT_DBID":101,"GSW_CALL_RESULT":33}',
    ],
    ["a phone number, also as a number", { GSW_PHONE: 4155550177 }, '{"GSW_PHONE":"······0177"}'],
    ["one in another spelling of the member", { gsw_phone: "4155550177" }, '{"gsw_phone":"······0177"}'],
    ["a customer id", { GSW_CUSTOMER_ID: "C-1001" }, '{"GSW_CUSTOMER_ID":"······1001"}'],
    ["a misspelled member", { "GSW_CUSTOMER_ID ": "SMITH-1001" }, '{"GSW_CUSTOMER_ID ":"······1001"}'],
    ["another one", { GSW_CUSTOMERID: "SMITH-1001" }, '{"GSW_CUSTOMERID":"······1001"}'],
    ["the kind of a phone", { GSW_PHONE_TYPE: 4 }, '{"GSW_PHONE_TYPE":4}'],
    ["a number where none is expected", { GSW_TZ_NAME: "PST 4155550177" }, '{"GSW_TZ_NAME":"PST ······0177"}'],
    ["a user's field", { NAME: "Ann Example" }, '{"NAME":"······mple"}'],
    ["a short value of one", { CODE: 7 }, '{"CODE":"······"}'],
    ["a number as a name", { "4155550177": true }, '{"······0177":true}'],
    [
      "nested members",
      { GSW_CM_AttrProperties: { NAME: ["Ann Example"] } },
      '{"GSW_CM_AttrProperties":{"NAME":["······mple"]}}',
    ],
    ["no object", "4155550177", '"······0177"'],
  ])("with %s in its body is shown without them", (_what, body, shown) => {
    expect(show({ body: JSON.stringify(body) }).body).toBe(shown);
  });

  it("is shown with a body that is no JSON, numbers masked, and with the length of a long one", () => {
    expect(show({ body: "call 415-555-0177" }).body).toBe("call ······0177");
    expect(show({ body: "" }).body).toBeNull();
    expect(show({ body: `"${"4155550177".repeat(1000)}"` }).body).toBe("… 10002 characters");
    expect(show({ body: JSON.stringify({ GSW_TZ_NAME: "P".repeat(5000) }) }).body).toHaveLength(2002);
  });

  it("is shown with its User-Agent, and no longer than a line or two", () => {
    expect([show({}).user_agent, show({ agent: "crm 4155550177" }).user_agent]).toEqual([null, "crm ······0177"]);
    expect(show({ agent: "a".repeat(999) }).user_agent).toHaveLength(202);
    expect(show({ target: `/${"a".repeat(999)}` }).target).toHaveLength(502);
  });
});
