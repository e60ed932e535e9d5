import { describe, expect, it } from "vitest";
import { differences } from "../../src/settings/diff/diff.ts";
import { formatValue } from "../../src/settings/format-value.ts";
import type { Path } from "../../src/settings/problems/problem.ts";
import { explainRows, secretKeys } from "../../src/settings/schema/schema-tree.ts";
import { HIDDEN } from "../../src/settings/view/hidden.ts";
import { mutated, read } from "./kit.ts";

describe("a value of the config", () => {
  it.each<[what: string, path: Path, value: unknown, shown: string]>([
    ["a secret", ["admin", "oidc", "client_secret"], "t0p", HIDDEN],
    ["a secret that is a list", ["audit", "index_key"], [{ epoch: "one", secret: "t0p" }], HIDDEN],
    ["a secret in such a list", ["audit", "index_key", 0, "secret"], "t0p", HIDDEN],
    ["a field that is called as a secret", ["audit", "redact", "fields", "secret"], "keep", "keep"],
    ["a client that is called as a secret", ["tenants", 0, "clients", "index_key", "actions"], ["Load"], "[Load]"],
    [
      "a map with a key that is called as a secret",
      ["audit", "redact", "fields"],
      { secret: "hash" },
      "{ secret: hash }",
    ],
    ["a duration", ["upstreams", "ocs", "timeouts", "answer"], 7000, "7s"],
    [
      "a duration of an upstream that is called as a number",
      ["upstreams", "connections", "timeouts", "answer"],
      0,
      "0s",
    ],
    ["a number of an upstream that is called as a duration", ["upstreams", "answer", "connections"], 1000, "1000"],
    ["a number of a map that is called as a duration", ["nothing", "answer"], 1000, "1000"],
    ["a text that is no web address, where one belongs", ["identity", "jwt", 0, "jwks_uri"], "t0p", HIDDEN],
    ["an issuer, which is any text", ["identity", "jwt", 0, "issuer"], "t0p", "t0p"],
    ["a tenant that is called as a web address", ["tenants", 0, "clients", "jwks_uri"], "t0p", "t0p"],
    [
      "credentials in a text of another kind",
      ["identity", "jwt", 0, "issuer"],
      "https://u:p@a.example/",
      "https://•••@a.example/",
    ],
  ])("is shown by the kind of its whole path: %s", (_what, path, value, shown) => {
    expect(formatValue(path, value)).toBe(shown);
  });

  it("is hidden at the path of every secret of the schema", () => {
    const pathOf = (key: string): Path =>
      key
        .replaceAll("[]", ".0")
        .split(".")
        .map((part) => (part === "0" ? 0 : part));
    const secrets = explainRows().filter(({ key }) => secretKeys().includes(key.split(".").at(-1)!));
    expect(secrets.length).toBeGreaterThan(1);
    // Whatever its shape: a map of secrets is hidden as a whole.
    for (const { key } of secrets)
      for (const value of ["t0p", { Authorization: "t0p" }]) expect(formatValue(pathOf(key), value), key).toBe(HIDDEN);
  });

  it("of a field that is called as a secret is shown in the differences of two configs", () => {
    const reading = (how: string) => {
      const loaded = read(mutated(["fields: { CUSTOMER_CODE: token }", `fields: { secret: ${how} }`]));
      if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
      return loaded;
    };
    expect(differences(reading("keep"), reading("token"))).toEqual(["audit.redact.fields.secret keep -> token"]);
  });
});
