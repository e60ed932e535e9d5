/** The package as `npm pack` makes it, without running npm in this checkout, where other tests run. */
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { stagePackage } from "../../../deploy/package/stage.ts";
import { root } from "../../kit/command.ts";

export type Staged = {
  /** The files of the package. */
  readonly dir: string;
  readonly remove: () => void;
};

/** `libraries`: with this checkout's node_modules, as `npm ci` would install them beside the package's files. */
export const stage = ({ libraries = false } = {}): Staged => {
  const made = mkdtempSync(join(tmpdir(), "ocsgw-package-"));
  chmodSync(made, 0o755);
  const dir = join(made, "package");
  mkdirSync(dir);
  stagePackage(dir);
  if (libraries) symlinkSync(realpathSync(join(root, "node_modules")), join(dir, "node_modules"));
  return { dir, remove: () => rmSync(made, { recursive: true }) };
};

/** The tarball's path, beside the staged files. */
export const pack = ({ dir }: Staged): string => {
  const out = dirname(dir);
  const said = execFileSync("npm", ["pack", dir, "--pack-destination", out, "--json"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [{ filename }] = JSON.parse(said) as [{ filename: string }];
  return join(out, filename);
};

/** The system's own Node, which may be too old for the gateway; else the one that runs this test. */
export const systemNode = (): string =>
  ["/usr/bin/node", "/usr/local/bin/node"].find((path) => existsSync(path)) ?? process.execPath;
