/**
 * Prepares a release in a clean checkout: sets the version, dates the changelog's section, and makes the files to
 * publish. It builds everything twice and fails if a byte differs. It commits nothing and sends nothing anywhere.
 *
 *   npm run release -- VERSION [--date YYYY-MM-DD] [--out DIR]
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { buildConsole } from "../../src/console/build.mjs";
import { FILES, releasedFiles, type Files } from "./release-files.ts";
import { root, stagePackage } from "./stage.ts";

const USAGE = "usage: npm run release -- VERSION [--date YYYY-MM-DD] [--out DIR]";

const main = async (): Promise<void> => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { date: { type: "string" }, out: { type: "string" } },
  });
  const [version] = positionals;
  if (version === undefined || positionals.length > 1) throw new Error(USAGE);
  const out = resolve(values.out ?? join(root, "release"));
  if (existsSync(out)) throw new Error(`${out} exists; remove it or give another folder with --out`);
  const changes = execFileSync("git", ["status", "--porcelain"], { cwd: root, encoding: "utf8" });
  if (changes !== "") throw new Error(`the checkout has changes; commit or stash them first:\n${changes}`);
  const date = values.date ?? new Date().toJSON().slice(0, 10);

  const before = Object.fromEntries(FILES.map((name) => [name, readFileSync(join(root, name), "utf8")])) as Files;
  const { files, notes } = releasedFiles(before, version, date);
  const write = (all: Files): void => FILES.forEach((name) => writeFileSync(join(root, name), all[name]));
  write(files);
  try {
    await publishable(out, version, date, notes);
  } catch (error) {
    write(before);
    rmSync(out, { recursive: true, force: true });
    throw error;
  }
  console.log(nextSteps(out, version));
};

/** Makes the files to publish in the new folder `out`. */
const publishable = async (out: string, version: string, date: string, notes: string): Promise<void> => {
  const work = mkdtempSync(join(tmpdir(), "ocsgw-release-"));
  try {
    const [one, other] = [await build(join(work, "1"), version, date), await build(join(work, "2"), version, date)];
    const differing = Object.keys(one).filter((name) => !readFileSync(one[name]!).equals(readFileSync(other[name]!)));
    if (differing.length > 0) throw new Error(`built twice, these files differ: ${differing.join(", ")}`);
    mkdirSync(out, { recursive: true });
    for (const [name, path] of Object.entries(one)) copyFileSync(path, join(out, name));
    writeFileSync(join(out, "NOTES.md"), notes);
    const sums = [...Object.keys(one), "NOTES.md"].toSorted().map((name) => {
      return `${createHash("sha256")
        .update(readFileSync(join(out, name)))
        .digest("hex")}  ${name}\n`;
    });
    writeFileSync(join(out, "SHA256SUMS"), sums.join(""));
  } finally {
    rmSync(work, { recursive: true });
  }
};

/** From the sources, with a new console. Returns paths by the names under which they are published. */
const build = async (work: string, version: string, date: string): Promise<Readonly<Record<string, string>>> => {
  const staged = join(work, "package");
  mkdirSync(staged, { recursive: true });
  if (!(await buildConsole())) throw new Error("the console cannot be built: Vite is not installed; run npm ci");
  stagePackage(staged);
  const quiet: ["ignore", "ignore", "inherit"] = ["ignore", "ignore", "inherit"];
  execFileSync("npm", ["pack", staged, "--pack-destination", work, "--loglevel=error"], { stdio: quiet });
  const chart = `ocs-gateway-chart-${version}.tgz`;
  const fixed = [
    "--sort=name",
    `--mtime=${date} 00:00:00Z`,
    "--owner=0",
    "--group=0",
    "--numeric-owner",
    "--mode=u=rwX,go=rX",
  ];
  const env = { ...process.env, LC_ALL: "C" };
  const tar = [
    "-C",
    join(root, "deploy/helm"),
    ...fixed,
    "--use-compress-program=gzip -n9",
    "-cf",
    join(work, chart),
    "ocs-gateway",
  ];
  execFileSync("tar", tar, { env, stdio: quiet });
  const tarball = `ocs-gateway-${version}.tgz`;
  return {
    [tarball]: join(work, tarball),
    [chart]: join(work, chart),
    "sbom.cdx.json": join(staged, "sbom.cdx.json"),
    "THIRD-PARTY-LICENSES.md": join(staged, "THIRD-PARTY-LICENSES.md"),
  };
};

const nextSteps = (
  out: string,
  version: string,
): string => `${out} has the package, the chart, SBOM, licenses, notes and SHA256SUMS.
Nothing was committed or published. Look at the changes with git diff, then:

  git commit -am "release: version ${version}" && git tag -s v${version}
  npm publish ${join(out, `ocs-gateway-${version}.tgz`)}
  docker build -f deploy/Dockerfile -t ocsgw:${version} --build-arg REVISION=$(git rev-parse HEAD) .`;

try {
  await main();
} catch (error) {
  console.error(`release: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
