/** The package as `npm pack` makes it, without running npm in this checkout, where other tests run. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stagePackage } from "../../../deploy/package/stage.ts";

export type Staged = {
  /** The files of the package. */
  readonly dir: string;
  /** The tarball's path. */
  readonly tarball: string;
  readonly remove: () => void;
};

export const stage = (): Staged => {
  const made = mkdtempSync(join(tmpdir(), "ocsgw-package-"));
  const dir = join(made, "package");
  mkdirSync(dir);
  stagePackage(dir);
  const said = execFileSync("npm", ["pack", dir, "--pack-destination", made, "--json"], {
    encoding: "utf8",
    stdio: QUIET,
  });
  const [{ filename }] = JSON.parse(said) as [{ filename: string }];
  return { dir, tarball: join(made, filename), remove: () => rmSync(made, { recursive: true }) };
};

const QUIET: ["ignore", "pipe", "ignore"] = ["ignore", "pipe", "ignore"];

/** The system's own Node, which may be too old for the gateway; else the one that runs this test. */
export const systemNode = (): string =>
  ["/usr/bin/node", "/usr/local/bin/node"].find((path) => existsSync(path)) ?? process.execPath;
