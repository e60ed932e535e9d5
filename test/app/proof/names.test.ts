/** Names of a config are any words: the proof must not take the gateway's own words, or chance, for a leak. */
import { describe, expect, it } from "vitest";
import { isWord } from "../../../src/app/proof/judge.ts";
import { planOf, proved, sharedOcs } from "./kit.ts";

describe("a name in an answer", () => {
  it.each([
    { name: "Acme", text: '{"tenant":"Acme"}', is: true },
    { name: "Acme", text: "tenant%20Acme%20", is: true },
    { name: "Acme", text: String.raw`a\nAcme\n`, is: true },
    { name: "Acme", text: String.raw`\u00e4Acme`, is: true },
    { name: "Acme", text: "of Acme.", is: true },
    { name: "Acme", text: "Acme-2", is: true },
    { name: "(Acme)", text: "x(Acme)x", is: true },
    { name: "Ämter", text: "die Ämter", is: true },
    { name: "c966", text: "01M8N1BTHc966SH8FA4", is: false },
    { name: "late", text: "template", is: false },
    { name: "ACME", text: "01M8ACMETHW", is: false },
    { name: "mter", text: "Ämter", is: false },
    { name: "A.me", text: "Acme", is: false },
  ])("$name in $text: $is", ({ name, text, is }) => {
    expect(isWord(text, name)).toBe(is);
  });
});

type Named = { name: string; clients: object; campaigns: string[]; lists: string[] };

describe("a proof of a config with ordinary words as names", () => {
  it("passes, and says which names it did not look for", async () => {
    const config = sharedOcs();
    const [alpha, beta] = (config.tenants as Named[]).map((tenant, at) => ({
      ...tenant,
      name: ["Date", "json"][at]!,
      clients: { [["tenant", "c966"][at]!]: { actions: ["DoNotCall", "ReadStatus"] } },
      campaigns: [...tenant.campaigns, ["application", "error"][at]!],
      lists: [
        ...tenant.lists,
        ...[
          ["Content-Type", "2026"],
          ["requests", "a.b c"],
        ][at]!,
      ],
    }));
    const report = await proved(await planOf({ ...config, tenants: [alpha, beta], tests: [] }));
    expect(report).toMatchObject({ verdict: "ok", failures: [], missing: [] });
    expect(report.untried).toEqual([
      expect.stringMatching(/^names of Date in answers to others: .*"Content-Type", "2026".* may stand there/),
      expect.stringMatching(/^names of json in answers to others: .*"error", "requests" may stand there/),
    ]);
    // Those of the others are looked for.
    expect(report.untried.join()).not.toMatch(/Alpha List|Beta List|a\.b c|"c966"/);
  }, 40_000);
});
