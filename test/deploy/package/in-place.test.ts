/** `npm pack` as somebody runs it in a checkout, here in a copy of this one. */
import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { filesBelow } from "../../../deploy/package/modules.ts";
import { root, run } from "../../kit/command.ts";
import { pack, stage, type Staged } from "./kit.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const COPIED = [
  "src",
  "deploy",
  "config",
  "README.md",
  "LICENSE",
  "package.json",
  "package-lock.json",
  "tsconfig.json",
];
let staged: Staged;
let checkout: string;
beforeAll(() => {
  staged = stage();
  checkout = mkdtempSync(join(tmpdir(), "ocsgw-checkout-"));
  for (const each of [...COPIED, ".npmrc"]) cpSync(join(root, each), join(checkout, each), { recursive: true });
  symlinkSync(realpathSync(join(root, "node_modules")), join(checkout, "node_modules"));
});
afterAll(() => {
  staged?.remove();
  rmSync(checkout, { recursive: true });
});

/** Paths and contents of the checkout, but for what building the console writes. */
const state = (): ReadonlyMap<string, string> =>
  new Map(
    ["src", "deploy", "config", "."]
      .flatMap((folder) =>
        folder === "." ? top() : filesBelow(join(checkout, folder)).map((each) => join(folder, each)),
      )
      .filter((path) => !path.startsWith("src/console/built/"))
      .map((path) => [path, readFileSync(join(checkout, path), "latin1")]),
  );
const top = (): string[] =>
  [
    ...COPIED.filter((each) => each.includes(".") || each === "LICENSE"),
    ".npm-pack/changes.json",
    "npm-shrinkwrap.json",
  ].filter((each) => existsSync(join(checkout, each)));

it("gives the release's bytes under another umask, time zone and language, and leaves nothing behind", async () => {
  const before = state();
  const env = { TZ: "Pacific/Kiritimati", LC_ALL: "tr_TR.UTF-8", npm_config_loglevel: "error" };
  const out = mkdtempSync(join(tmpdir(), "ocsgw-packed-"));
  const command = 'umask 077; exec npm pack --json --pack-destination "$1"';
  const { code, stdout, stderr } = await run("sh", ["-c", command, "sh", out], { cwd: checkout, env });
  expect([code, stderr]).toEqual([0, expect.any(String)]);
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  const packed = readFileSync(join(out, filename));
  rmSync(out, { recursive: true });
  expect(packed.equals(readFileSync(pack(staged)))).toBe(true);
  expect(state()).toEqual(before);
});

it("puts the checkout back when npm is killed while it packs, and refuses a second npm pack meanwhile", async () => {
  const before = state();
  const script = join(checkout, "deploy/package/in-place.ts");
  const prepack = `require("node:child_process").spawnSync(process.execPath, ["${script}", "prepack"]);
    console.log("packing"); setInterval(() => {}, 1000)`;
  const npm = spawn(process.execPath, ["-e", prepack], { stdio: ["ignore", "pipe", "ignore"] });
  await new Promise((resolve) => npm.stdout.once("data", resolve));
  expect(JSON.parse(readFileSync(join(checkout, "package.json"), "utf8"))).not.toHaveProperty("scripts");
  expect(existsSync(join(checkout, "lib/cli/main.js"))).toBe(true);
  const second = spawnSync(process.execPath, [script, "prepack"], { encoding: "utf8" });
  expect([second.status, second.stderr]).toEqual([1, expect.stringContaining("another npm pack is running here")]);
  npm.kill("SIGKILL");
  await vi.waitFor(() => expect(state()).toEqual(before), { timeout: 20_000, interval: 100 });
  expect(existsSync(join(checkout, "lib"))).toBe(false);
});
