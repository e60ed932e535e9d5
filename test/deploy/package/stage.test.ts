/** What the package contains, and what it must not contain. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { homedir, hostname, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parse } from "acorn";
import { Ajv } from "ajv";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import checkout from "../../../package.json" with { type: "json" };
import lock from "../../../package-lock.json" with { type: "json" };
import type { Lock } from "../../../deploy/package/manifest.ts";
import { filesBelow } from "../../../deploy/package/modules.ts";
import { differences, type Sbom } from "../../../deploy/package/sbom.ts";
import { root, run } from "../../kit/command.ts";
import { pack, stage, systemNode, type Staged } from "./kit.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

let staged: Staged;
let files: readonly string[];
const read = (path: string): string => readFileSync(join(staged.dir, path), "utf8");
const readJson = <T>(path: string): T => JSON.parse(read(path)) as T;
beforeAll(() => {
  staged = stage();
  files = filesBelow(staged.dir);
});
afterAll(() => staged?.remove());

describe("the package", () => {
  it("is plain JavaScript, with types as declarations only", () => {
    const scripts = files.filter((path) => /\.m?js$/.test(path) && !path.startsWith("lib/console/"));
    expect(scripts.length).toBeGreaterThan(800);
    for (const path of scripts) parse(read(path), { ecmaVersion: "latest", sourceType: "module", allowHashBang: true });
    expect(files.filter((path) => /\.[cm]?tsx?$/.test(path) && !path.endsWith(".d.ts"))).toEqual([]);
  });

  it("has every file that a module names", () => {
    const missing = files
      .filter((path) => /\.(?:m?js|d\.ts)$/.test(path) && !path.startsWith("lib/console/"))
      .flatMap((path) =>
        [
          ...read(path)
            .replace(/\/\*[^]*?\*\//g, "")
            .matchAll(/(?:\bfrom |\bimport\(?\s*|\bnew URL\()["'](\.[^"'\n]+|[\w-]+\.m?[jt]s)["']/g),
        ]
          .map(([, name]) => join(dirname(path), name!))
          .filter((named) => !existsSync(join(staged.dir, named)))
          .filter((named) => !existsSync(join(staged.dir, named.replace(/\.js$/, ".d.ts"))))
          .map((named) => `${path}: ${named}`),
      );
    expect(missing).toEqual([]);
  });

  it("has the pages, the built console, the config samples and the files for a service", () => {
    expect(files).toEqual(
      expect.arrayContaining([
        "LICENSE",
        "README.md",
        "config/ocsgw.schema.json",
        "config/ocsgw.yaml",
        "deploy/hand-over-tls.sh",
        "deploy/ocsgw.service",
        "deploy/ocsgw.socket",
        "lib/console/built/index.html",
        "lib/docs/changelog.md",
        "lib/journal/verify/bundle/bundle.mjs",
      ]),
    );
  });

  it("has nothing that only tests and development need", () => {
    const forDevelopment = /(^|\/)(test|tests|fixtures|node_modules|\.[^/]+)(\/|$)|\.(test|spec)\./;
    expect(files.filter((path) => forDevelopment.test(path))).toEqual([]);
    // Programs that write pages and schemas of the checkout.
    expect(files.filter((path) => path.startsWith("lib/") && read(path).includes("import.meta.main"))).toEqual([]);
  });

  it("names no folder of this machine and no registry", () => {
    const places = [root.replace(/\/$/, ""), join(tmpdir(), "ocsgw-"), hostname()].filter((each) => each.length > 4);
    if (homedir() !== "/root") places.push(homedir());
    const found = files.flatMap((path) =>
      [...places, "registry.npm", '"resolved"']
        .filter((each) => read(path).includes(each))
        .map((each) => `${path}: ${each}`),
    );
    expect(found).toEqual([]);
  });

  it("names its pages where they are", () => {
    const named = files
      .filter((path) => !path.startsWith("lib/console/"))
      .flatMap((path) => [...read(path).matchAll(/\b(?:src|lib)\/docs\/[\w/-]+\.md/g)].map(([page]) => page));
    expect(named.length).toBeGreaterThan(20);
    expect([...new Set(named)].filter((page) => !files.includes(page))).toEqual([]);
  });

  it("has links in its README that lead to its own files", () => {
    const links = [...read("README.md").matchAll(/\]\((lib\/[^)#\s]+)/g)].map(([, path]) => path!);
    expect(links.length).toBeGreaterThan(20);
    expect(links.filter((path) => !files.includes(path))).toEqual([]);
  });

  it("is packed with modes that everybody can read, whose programs can be executed", () => {
    const listed = execFileSync("tar", ["-tzvf", pack(staged)], { encoding: "utf8" })
      .trimEnd()
      .split("\n");
    const modes = new Map(listed.map((line) => [line.split(" package/")[1]!, line.slice(0, 10)]));
    expect([...modes.keys()].toSorted()).toEqual(files.toSorted());
    const programs = [...modes].filter(([, mode]) => mode === "-rwxr-xr-x").map(([path]) => path);
    expect(programs.toSorted()).toEqual([
      "deploy/debian-package.sh",
      "deploy/dev-certificates.sh",
      "deploy/hand-over-tls.sh",
      "deploy/ocsgw",
      "lib/cli/ocsgw.js",
    ]);
    expect(new Set(modes.values())).toEqual(new Set(["-rw-r--r--", "-rwxr-xr-x"]));
  });
});

const majorOf = (node: string): number =>
  Number(execFileSync(node, ["-p", "process.versions.node"], { encoding: "utf8" }).split(".")[0]);

it.skipIf(majorOf(systemNode()) >= 24)(
  "says which Node it needs, on an older one without the bundled one",
  async () => {
    const { code, stdout, stderr } = await run(systemNode(), [join(staged.dir, "lib/cli/ocsgw.js"), "check"]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/^ocsgw needs Node 24\.18\.1 or later \(24 LTS\), and this is Node [\d.]+\. [^\n]*\n$/);
  },
);

describe("the package's package.json", () => {
  it("has what users need, and no script, no development package", () => {
    const manifest = readJson<Record<string, unknown>>("package.json");
    expect(manifest).toMatchObject({
      name: checkout.name,
      version: checkout.version,
      bin: { ocsgw: "lib/cli/ocsgw.js" },
      engines: { node: ">=20" },
      dependencies: checkout.dependencies,
      optionalDependencies: checkout.optionalDependencies,
    });
    for (const each of ["scripts", "devDependencies", "private"]) expect(manifest).not.toHaveProperty(each);
  });

  it("exports files that exist, each with its types", () => {
    const { exports } = readJson<{ exports: Record<string, string | Record<string, string>> }>("package.json");
    const targets = Object.values(exports).flatMap((each) => (typeof each === "string" ? [each] : Object.values(each)));
    expect(targets.filter((path) => !existsSync(join(staged.dir, path)))).toEqual([]);
  });

  it("needs no package with install scripts", () => {
    const { packages } = readJson<Lock>("npm-shrinkwrap.json");
    expect(Object.keys(packages).length).toBeGreaterThan(50);
    expect(Object.entries(packages).filter(([, { hasInstallScript }]) => hasInstallScript === true)).toEqual([]);
    expect(Object.entries(packages).filter(([path, { integrity }]) => path !== "" && !integrity)).toEqual([]);
  });
});

describe("the software bill of materials", () => {
  it("is valid CycloneDX", () => {
    const sbom = readJson<Sbom>("sbom.cdx.json");
    const schemas = join(root, "node_modules/@cyclonedx/cyclonedx-library/res/schema");
    const schema = (name: string): object => JSON.parse(readFileSync(join(schemas, name), "utf8")) as object;
    const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
    for (const each of ["spdx.SNAPSHOT.schema.json", "jsf-0.82.SNAPSHOT.schema.json"])
      ajv.addSchema(schema(each), `http://cyclonedx.org/schema/${each}`);
    const validate = ajv.compile(schema(`bom-${sbom.specVersion}.SNAPSHOT.schema.json`));
    expect([validate(sbom), validate.errors]).toEqual([true, null]);
    expect(validate({ ...sbom, components: [{ name: "no type" }] })).toBe(false);
  });

  it("lists the packages of the lock file with their checksums, and no other", () => {
    const sbom = readJson<Sbom>("sbom.cdx.json");
    expect(sbom.components.length).toBeGreaterThan(50);
    expect(differences(sbom, lock as Lock)).toEqual([]);
  });

  it.each<[string, (packages: Record<string, { version?: string; integrity?: string }>) => void, RegExp]>([
    ["another version", (packages) => (packages["node_modules/express"]!.version = "0.0.1"), /lock: express@0\.0\.1/],
    ["another checksum", (packages) => (packages["node_modules/express"]!.integrity = "sha512-AAAA"), /SHA-512:000000/],
    ["one package less", (packages) => delete packages["node_modules/express"], /^sbom: express@/m],
    ["one package more", (packages) => (packages["node_modules/more"] = { version: "1.0.0" }), /^lock: more@1\.0\.0/m],
  ])("differs from a lock file with %s", (_, change, says) => {
    const other = structuredClone(lock) as Lock & { packages: Record<string, { version?: string }> };
    change(other.packages);
    expect(differences(readJson<Sbom>("sbom.cdx.json"), other).join("\n")).toMatch(says);
  });
});

describe("the list of licenses", () => {
  it("has each package of the software bill of materials", () => {
    const page = read("THIRD-PARTY-LICENSES.md");
    const { components } = readJson<Sbom>("sbom.cdx.json");
    expect(components.filter(({ name, version }) => !page.includes(`| ${name} | ${version} |`))).toEqual([]);
  });
});
