import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { REFUSALS } from "../src/gateway/refusals.ts";
import { ACTIONS, CATALOG, type Action } from "../src/ocs/catalog.ts";
import { AUTH_FAILURES } from "../src/tenants/credential.ts";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");

const row = ({
  resource,
  name,
  method,
  required,
  requiredWhenPredictive,
  namesTenant,
  finalizes,
  repeat,
}: Action): string => {
  const path =
    method === "GET"
      ? `/${resource}, /${resource}/<${CATALOG[resource].identifier}>`
      : `/${resource}/<${CATALOG[resource].identifier}>`;
  const needs = [
    ...(namesTenant ? ["the tenant (the gateway fills it in)"] : []),
    ...required,
    ...requiredWhenPredictive.map((attribute) => `${attribute} in predictive modes`),
  ];
  return `| ${method === "GET" ? `${name} (GET)` : name} | ${path} | ${needs.join(", ") || "–"} | ${finalizes ? "yes" : ""} | ${repeat} |`;
};

const table = (): string =>
  [
    "| action | path | needs in the body | ends the handle | after no answer |",
    "| --- | --- | --- | --- | --- |",
    ...ACTIONS.map(row),
  ].join("\n");

describe("README", () => {
  it("has the action table as the catalog has it", () => {
    const shown = /<!-- actions -->\n([\s\S]*?)\n?<!-- \/actions -->/.exec(readme)?.[1];
    expect(shown).toBe(table());
  });

  it("has every code that a reply can carry", () => {
    for (const { code } of Object.values(REFUSALS)) {
      const [family, number] = code.split("-") as [string, string];
      expect(readme).toMatch(new RegExp(`${family}-${number}|${family}-[\\d, ]*${number}`));
    }
  });
});

describe("the page about credentials", () => {
  it("has every reason for which a credential is refused, and no other", () => {
    const page = readFileSync(new URL("../src/docs/credentials.md", import.meta.url), "utf8");
    const rows = page
      .split("\n")
      .filter((line) => line.startsWith("| `"))
      .flatMap((line) => [...line.split("|")[1]!.matchAll(/`([a-z-]+)`/g)].map(([, reason]) => reason!));
    expect(rows).toEqual(AUTH_FAILURES);
  });
});

describe("the page about the gateway's own replies", () => {
  it("has the table of refusals as it is", () => {
    const page = readFileSync(new URL("../src/docs/gateway-replies.md", import.meta.url), "utf8");
    const shown = /<!-- codes -->\n([\s\S]*?)\n<!-- \/codes -->/.exec(page)?.[1];
    const rows = Object.values(REFUSALS).map(
      ({ code, status, title, delivery, advice }) => `| ${code} | ${status} | ${delivery} | ${title} | ${advice} |`,
    );
    expect(shown).toBe(
      ["| code | status | delivery | what | what to do |", "| --- | --- | --- | --- | --- |", ...new Set(rows)].join(
        "\n",
      ),
    );
  });
});
