/** `npm run release` and `npm pack` as somebody runs them in a checkout, here in a copy of this one. */
import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { filesBelow } from "../../../deploy/package/modules.ts";
import { root, run, type Ran } from "../../kit/command.ts";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const FOLDERS = ["src", "deploy", "config"];
const TOP = ["README.md", "LICENSE", "package.json", "package-lock.json", "tsconfig.json", ".npmrc", ".gitignore"];
const VERSION = "98.7.6";
let [checkout, out] = ["", ""];
let released: Ran;

const git = (...args: readonly string[]): Promise<Ran> =>
  run("git", ["-c", "user.name=x", "-c", "user.email=x@example.com", ...args], { cwd: checkout });
const inCheckout = (command: string, env: NodeJS.ProcessEnv = {}): Promise<Ran> =>
  run("sh", ["-c", command], { cwd: checkout, env: { npm_config_loglevel: "error", ...env } });
const again = (...args: readonly string[]): Promise<Ran> =>
  run(process.execPath, ["--disable-warning=ExperimentalWarning", "deploy/package/release.ts", ...args], {
    cwd: checkout,
  });
const read = (name: string): string => readFileSync(join(checkout, name), "utf8");

beforeAll(async () => {
  checkout = mkdtempSync(join(tmpdir(), "ocsgw-checkout-"));
  out = join(checkout, "out");
  for (const each of [...FOLDERS, ...TOP]) cpSync(join(root, each), join(checkout, each), { recursive: true });
  symlinkSync(realpathSync(join(root, "node_modules")), join(checkout, "node_modules"));
  // The file of the copy ignores folders; here node_modules is a link.
  await inCheckout("echo node_modules >> .gitignore; echo /out/ >> .gitignore");
  for (const args of [
    ["init", "-q"],
    ["add", "-A"],
    ["commit", "-qm", "x"],
  ])
    await git(...args);
  released = await inCheckout(`npm run --silent release -- ${VERSION} --date 2026-12-01 --out "${out}"`);
});
afterAll(() => rmSync(checkout, { recursive: true, force: true }));

describe("npm run release", () => {
  it("makes the files to publish, with their checksums", async () => {
    expect([released.code, released.stderr]).toEqual([0, ""]);
    const files = ["NOTES.md", "SHA256SUMS", "THIRD-PARTY-LICENSES.md", "sbom.cdx.json"];
    const packed = [`ocs-gateway-${VERSION}.tgz`, `ocs-gateway-chart-${VERSION}.tgz`];
    expect(readdirSync(out).toSorted()).toEqual([...files, ...packed].toSorted());
    const sums = await run("sha256sum", ["-c", "SHA256SUMS"], { cwd: out });
    expect([sums.code, sums.stdout.match(/: OK$/gm)]).toEqual([0, expect.arrayContaining([": OK"])]);
    expect(sums.stdout.match(/: OK$/gm)).toHaveLength(5);
    expect(readFileSync(join(out, "NOTES.md"), "utf8")).toMatch(/^- /);
  });

  it.each([
    ["the package", `ocs-gateway-${VERSION}.tgz`, "package/package.json", `"version": "${VERSION}"`],
    ["the chart", `ocs-gateway-chart-${VERSION}.tgz`, "ocs-gateway/Chart.yaml", `\nappVersion: ${VERSION}\n`],
  ])("gives %s the version", async (_, tarball, file, says) => {
    const { stdout } = await run("tar", ["-xzOf", join(out, tarball), file]);
    expect(stdout).toContain(says);
  });

  it("changes the files that name the version, commits nothing, and says what to do next", async () => {
    const { stdout } = await git("status", "--porcelain");
    expect(stdout.trimEnd().split("\n")).toEqual([
      " M deploy/Dockerfile",
      " M deploy/helm/ocs-gateway/Chart.yaml",
      " M package-lock.json",
      " M package.json",
      " M src/docs/changelog.md",
    ]);
    expect((await git("log", "--oneline")).stdout.trimEnd().split("\n")).toHaveLength(1);
    expect(read("src/docs/changelog.md")).toContain(
      `## Not released yet\n\nNothing yet.\n\n## ${VERSION}, 2026-12-01\n`,
    );
    expect(released.stdout).toMatch(/Nothing was committed or published[^]*git commit[^]*npm publish[^]*docker build/);
  });

  it("refuses a checkout with changes, and changes nothing", async () => {
    const refused = await again("99.0.0", "--out", "other");
    expect([refused.code, refused.stdout, refused.stderr]).toEqual([1, "", expect.stringContaining("M package.json")]);
    expect(read("package.json")).toContain(`"version": "${VERSION}"`);
    expect(existsSync(join(checkout, "other"))).toBe(false);
  });

  it("refuses a folder that exists", async () => {
    const { code, stderr } = await again("99.0.0", "--out", out);
    expect([code, stderr]).toEqual([1, expect.stringContaining("exists; remove it or give another folder with --out")]);
  });

  it("puts the files back if a part cannot be made", async () => {
    await git("commit", "-qam", "x");
    const wrong = read("package-lock.json").replaceAll('"license": "MIT"', '"license": "GPL-3.0-only"');
    await run("sh", ["-c", "cat > package-lock.json"], { cwd: checkout, input: wrong });
    await run(
      "sh",
      ["-c", 'printf -- "- Next.\\n" > next; sed -i "/^Nothing yet/r next" src/docs/changelog.md; rm next'],
      {
        cwd: checkout,
      },
    );
    await git("commit", "-qam", "x");
    const { code, stderr } = await again("99.0.0", "--out", "other");
    expect([code, stderr]).toEqual([1, expect.stringContaining("licenses that the project does not accept")]);
    expect((await git("status", "--porcelain")).stdout).toBe("");
    expect(existsSync(join(checkout, "other"))).toBe(false);
    await git("reset", "-q", "--hard", "HEAD~1");
  });
});

/** Paths and contents of the checkout, but for what building the console writes. */
const state = (): ReadonlyMap<string, string> => {
  const below = FOLDERS.flatMap((folder) => filesBelow(join(checkout, folder)).map((each) => join(folder, each)));
  const top = readdirSync(checkout, { withFileTypes: true }).flatMap((each) => (each.isFile() ? [each.name] : []));
  const all = [...below.filter((path) => !path.startsWith("src/console/built/")), ...top];
  const contents = all.map((path) => [path, readFileSync(join(checkout, path), "latin1")] as const);
  return new Map([...contents, [".npm-pack", String(existsSync(join(checkout, ".npm-pack")))]]);
};

describe("npm pack", () => {
  it("gives the release's bytes under another umask, time zone and language, and leaves nothing behind", async () => {
    const before = state();
    const env = { TZ: "Pacific/Kiritimati", LC_ALL: "tr_TR.UTF-8" };
    const { code, stdout, stderr } = await inCheckout("umask 077; exec npm pack --json --pack-destination out", env);
    expect([code, stderr]).toEqual([0, expect.any(String)]);
    const [{ filename, integrity }] = JSON.parse(stdout) as [{ filename: string; integrity: string }];
    const { stdout: sum } = await run("openssl", ["dgst", "-sha256", join(out, filename)]);
    const [, expected] = new RegExp(`^(\\w{64}) {2}${filename}$`, "m").exec(
      readFileSync(join(out, "SHA256SUMS"), "utf8"),
    )!;
    expect([sum.trimEnd().endsWith(expected!), integrity]).toEqual([true, expect.stringMatching(/^sha512-/)]);
    expect(state()).toEqual(before);
  });

  it("puts the checkout back when npm is killed while it packs, and refuses a second npm pack meanwhile", async () => {
    const before = state();
    const script = join(checkout, "deploy/package/in-place.ts");
    const prepack = `require("node:child_process").spawnSync(process.execPath, ["${script}", "prepack"]);
      console.log("packing"); setInterval(() => {}, 1000)`;
    const npm = spawn(process.execPath, ["-e", prepack], { stdio: ["ignore", "pipe", "ignore"] });
    await new Promise((resolve) => npm.stdout.once("data", resolve));
    expect(JSON.parse(read("package.json"))).not.toHaveProperty("scripts");
    expect(existsSync(join(checkout, "lib/cli/main.js"))).toBe(true);
    const second = spawnSync(process.execPath, [script, "prepack"], { encoding: "utf8" });
    expect([second.status, second.stderr]).toEqual([1, expect.stringContaining("another npm pack is running here")]);
    npm.kill("SIGKILL");
    await vi.waitFor(() => expect(state()).toEqual(before), { timeout: 20_000, interval: 100 });
    expect(existsSync(join(checkout, "lib"))).toBe(false);
  });
});
