import { describe, expect, it } from "vitest";
import { choicesAt, type Language } from "../../src/console/pages/flows/completion.ts";

const LANGUAGE: Language = [
  { key: "tenant", help: "a tenant", values: ["Alpha Tenant", "Beta Tenant"] },
  { key: "client", help: "a client", values: ["ivr-bank", "ors-main"] },
  { key: "is", help: "how it ended", values: ["ok", "refused", "no-answer"] },
  { key: "ocs.time", help: "how long OCS took", values: [] },
];

const at = (text: string) => {
  const cursor = text.indexOf("|");
  const choices = choicesAt(text.replace("|", ""), cursor, LANGUAGE);
  return choices.map(({ text: next, cursor: place }) => `${next.slice(0, place)}|${next.slice(place)}`);
};

describe("completion of a filter", () => {
  it.each([
    ["t|", ["tenant:|", "client:|", "ocs.time:|"]],
    ["is:ok -cl|", ["is:ok -client:|"]],
    ["(is:ok OR te|)", ["(is:ok OR tenant:|)"]],
    ["ocs|", ["ocs.time:|"]],
    ["tenant:|", ['tenant:"Alpha Tenant" |', 'tenant:"Beta Tenant" |']],
    ["tenant:be|", ['tenant:"Beta Tenant" |']],
    ['tenant:"Be|', ['tenant:"Beta Tenant" |']],
    ["is:ok,re|", ["is:ok,refused |"]],
    ['tenant:"Alpha Tenant",b| status:410', ['tenant:"Alpha Tenant","Beta Tenant" |status:410']],
    ["is:no| client:a", ["is:no-answer |client:a"]],
    ["is:refused|", []],
    ["|", []],
    ["unknown:x|", []],
  ] as const)("%s", (text, expected) => expect(at(text)).toEqual(expected));

  it("shows the help of a key whose values are not known", () =>
    expect(choicesAt("ocs.time:", 9, LANGUAGE)).toEqual([
      { says: "", help: "how long OCS took", text: "ocs.time:", cursor: 9 },
    ]));
});
