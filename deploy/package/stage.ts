/**
 * Makes the package's files in an empty folder: plain JavaScript of src/ in lib/, types of the client, pages, the built
 * console, config and deploy files, and a package.json of its own.
 *
 *   node deploy/package/stage.ts DIR      in a checkout, after npm ci
 */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { licensesPage, productionLicenses } from "./licenses.ts";
import { packageManifest, shrinkwrap, type Checkout, type Lock } from "./manifest.ts";
import { filesBelow, reachedModules, withJavaScriptNames } from "./modules.ts";
import { differences, sbomOf } from "./sbom.ts";

export const root = new URL("../../", import.meta.url).pathname;

/** Of deploy/, what somebody needs who installed the package; the image and the Helm chart are made from a checkout. */
const DEPLOY = [
  "debian-package.sh",
  "dev-certificates.sh",
  "grafana",
  "hand-over-tls.sh",
  "haproxy.cfg",
  "nginx.conf",
  "ocsgw",
  "ocsgw.service",
  "ocsgw.socket",
  "prometheus",
  "squid.conf",
];
const CONFIG = ["keys.yaml", "ocsgw.schema.json", "ocsgw.yaml"];
const OWN = ["THIRD-PARTY-LICENSES.md", "npm-shrinkwrap.json", "sbom.cdx.json"];
const EXECUTABLE = /\.sh$|^deploy\/ocsgw$|^lib\/cli\/ocsgw\.js$/;

const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;
const readJson = <T>(path: string): T => JSON.parse(readFileSync(path, "utf8")) as T;

/** `dir`: empty. Every file gets mode 0644, or 0755 if it is a program, whatever the umask. Throws if a part fails. */
export const stagePackage = (dir: string): void => {
  const checkout = readJson<Checkout>(join(root, "package.json"));
  const lock = readJson<Lock>(join(root, "package-lock.json"));
  const write = (path: string, text: string): void => {
    mkdirSync(join(dir, dirname(path)), { recursive: true });
    writeFileSync(join(dir, path), text);
  };
  const copied = [...deployFiles(), ...CONFIG.map((each) => `config/${each}`)];
  for (const each of [...copied, "LICENSE"]) cpSync(join(root, each), join(dir, each));

  const manifest = packageManifest(checkout, ["lib", ...copied, ...OWN]);
  write("package.json", json(manifest));
  write("npm-shrinkwrap.json", json(shrinkwrap(lock, manifest)));
  cpSync(join(root, "README.md"), join(dir, "README.md"));
  write("THIRD-PARTY-LICENSES.md", licensesPage(productionLicenses(lock)));
  const sbom = sbomOf(dir, checkout.name);
  const differing = differences(sbom, lock);
  if (differing.length > 0) throw new Error(`SBOM and lock file differ:\n  ${differing.join("\n  ")}`);
  write("sbom.cdx.json", json(sbom));

  stageSources(checkout, write);
  stageTypes(checkout, write);
  stageConsole(dir);
  cpSync(join(root, "src/docs"), join(dir, "lib/docs"), { recursive: true });
  for (const path of filesBelow(dir)) {
    if (!path.startsWith("lib/console/")) namePages(join(dir, path));
    chmodSync(join(dir, path), EXECUTABLE.test(path) ? 0o755 : 0o644);
  }
};

const deployFiles = (): readonly string[] =>
  DEPLOY.map((each) => `deploy/${each}`).flatMap((each) =>
    statSync(join(root, each)).isDirectory()
      ? filesBelow(root, each).filter((path) => !path.includes(".test."))
      : [each],
  );

/** Messages, comments and links name the pages by their place in the checkout. Both places are equally long. */
const namePages = (file: string): void => {
  const text = readFileSync(file, "utf8");
  if (text.includes("src/docs/")) writeFileSync(file, text.replaceAll("src/docs/", "lib/docs/"));
};

type Write = (path: string, text: string) => void;

const ENTRIES = ["cli/main.ts", "cli/ocsgw.js"];

const clientEntries = ({ exports = {} }: Checkout): readonly string[] =>
  Object.values(exports).map((path) => path.replace(/^\.\/src\//, ""));

const stageSources = (checkout: Checkout, write: Write): void => {
  const src = join(root, "src");
  const modules = reachedModules(src, [...ENTRIES, ...clientEntries(checkout)]);
  for (const [path, text] of modules) write(`lib/${path}`, text);
  // JavaScript in the checkout too: the bundle's verifier, because each bundle contains it, and what Vite loads.
  for (const path of filesBelow(src))
    if (path.endsWith(".mjs") && !path.startsWith("console/"))
      write(`lib/${path}`, withJavaScriptNames(readFileSync(join(src, path), "utf8")));
};

/** Declarations of what the package exports, by the TypeScript compiler. */
const stageTypes = (checkout: Checkout, write: Write): void => {
  const entries = clientEntries(checkout);
  if (entries.length === 0) return;
  const made = mkdtempSync(join(tmpdir(), "ocsgw-types-"));
  try {
    const config = {
      extends: join(root, "tsconfig.json"),
      compilerOptions: {
        noEmit: false,
        declaration: true,
        emitDeclarationOnly: true,
        rootDir: join(root, "src"),
        outDir: join(made, "lib"),
        typeRoots: [join(root, "node_modules/@types")],
      },
      files: entries.map((each) => join(root, "src", each)),
      include: [],
    };
    writeFileSync(join(made, "tsconfig.json"), json(config));
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    execFileSync(process.execPath, [tsc, "-p", made], { stdio: ["ignore", "inherit", "inherit"] });
    for (const path of filesBelow(join(made, "lib")))
      write(`lib/${path}`, withJavaScriptNames(readFileSync(join(made, "lib", path), "utf8")));
  } finally {
    rmSync(made, { recursive: true });
  }
};

const stageConsole = (dir: string): void => {
  const built = join(root, "src/console/built");
  if (!existsSync(join(built, "index.html")))
    throw new Error("the console is not built: run node src/console/build.mjs --required");
  cpSync(built, join(dir, "lib/console/built"), { recursive: true });
};

if (import.meta.main) {
  const [dir] = process.argv.slice(2);
  if (dir === undefined) throw new Error("usage: node deploy/package/stage.ts DIR");
  mkdirSync(dir, { recursive: true });
  if (filesBelow(dir).length > 0) throw new Error(`${dir} is not empty`);
  stagePackage(dir);
}
