import { describe, expect, it } from "vitest";
import { isAllowed, licensesPage, productionLicenses } from "../../../deploy/package/licenses.ts";
import type { LockedPackage } from "../../../deploy/package/manifest.ts";

const lock = (packages: Readonly<Record<string, LockedPackage>>) => ({
  name: "x",
  version: "1.0.0",
  lockfileVersion: 3,
  packages: { "": { version: "1.0.0" }, ...packages },
});

describe("a license", () => {
  it.each([
    ["MIT", true],
    ["Apache-2.0", true],
    ["(MIT OR GPL-3.0-only)", true],
    ["MIT AND ISC", true],
    ["MIT AND GPL-2.0-only", false],
    ["GPL-3.0-or-later", false],
    ["AGPL-3.0-only", false],
    ["MPL-2.0", false],
    ["UNLICENSED", false],
    ["SEE LICENSE IN LICENSE.txt", false],
    ["((MIT OR GPL-2.0-only) AND GPL-3.0-only)", false],
    ["", false],
    [undefined, false],
  ])("%s is accepted: %s", (license, expected) => {
    expect(isAllowed(license)).toBe(expected);
  });
});

describe("productionLicenses", () => {
  it("names each package once, as it is called in the registry, without those of development", () => {
    const found = productionLicenses(
      lock({
        "node_modules/b": { version: "1.0.0", license: "MIT" },
        "node_modules/@a/c/node_modules/b": { version: "1.0.0", license: "MIT" },
        "node_modules/alias": { name: "@a/c", version: "2.0.0", license: "ISC" },
        "node_modules/tool": { version: "1.0.0", license: "GPL-3.0-only", dev: true },
      }),
    );
    expect(found.map(({ name, version }) => `${name}@${version}`)).toEqual(["@a/c@2.0.0", "b@1.0.0"]);
    expect(licensesPage(found)).toContain("| @a/c | 2.0.0 | ISC |\n| b | 1.0.0 | MIT |\n");
  });

  it.each([
    ["copyleft", { version: "1.0.0", license: "LGPL-3.0-or-later" }, "bad@1.0.0: LGPL-3.0-or-later"],
    ["unknown", { version: "1.0.0" }, "bad@1.0.0: license unknown"],
  ])("fails for a package whose license is %s, and names it", (_, bad, says) => {
    const packages = lock({ "node_modules/bad": bad, "node_modules/good": { version: "1.0.0", license: "MIT" } });
    expect(() => productionLicenses(packages)).toThrow(says);
  });
});
