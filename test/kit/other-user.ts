/**
 * Programs as another user than root, who may not enter root's own folders: the checkout is mounted where everybody
 * may. Linux, as root.
 */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root, type Ran } from "./command.ts";

export const canBeOthers = (): boolean =>
  process.platform === "linux" &&
  process.getuid?.() === 0 &&
  spawnSync("unshare", ["-m", "true"]).status === 0 &&
  spawnSync("setpriv", ["--version"]).status === 0;

export const NEEDED = "root, mount namespaces and setpriv";

export type Others = {
  /** `ocsgw` by that uid, which has no line in passwd, in its group and in no other; without HOME. */
  readonly start: (uid: number, args: readonly string[], env?: NodeJS.ProcessEnv) => ChildProcess;
  readonly run: (uid: number, args: readonly string[], env?: NodeJS.ProcessEnv) => Promise<Ran>;
  readonly end: () => void;
};

const SCRIPT =
  'mount --bind "$ROOT" "$APP" && exec setpriv --reuid "$WHO" ' +
  '--regid "$WHO" ' +
  "--clear-groups " +
  '"$APP/node_modules/.bin/node" "$APP/src/cli/main.ts" "$@"';

export const others = (): Others => {
  const made = mkdtempSync(join(tmpdir(), "ocsgw-app-"));
  chmodSync(made, 0o755);
  const [app, compiled] = [join(made, "app"), join(made, "compiled")];
  mkdirSync(app);
  // As in the shipped unit and image; each user has a folder of its own in it.
  mkdirSync(compiled);
  chmodSync(compiled, 0o1777);
  const start = (uid: number, args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess =>
    spawn("unshare", ["-m", "--propagation", "private", "sh", "-ec", SCRIPT, "sh", ...args], {
      cwd: "/",
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        PATH: process.env["PATH"],
        OCSGW_CONTAINER: "0",
        NODE_COMPILE_CACHE: compiled,
        ROOT: root,
        APP: app,
        WHO: String(uid),
        ...env,
      },
    });
  return {
    start,
    run: async (uid, args, env) => {
      const child = start(uid, args, env);
      let [stdout, stderr] = ["", ""];
      child.stdout!.on("data", (part: Buffer) => (stdout += part.toString()));
      child.stderr!.on("data", (part: Buffer) => (stderr += part.toString()));
      const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
      return { code, stdout, stderr };
    },
    end: () => rmSync(made, { recursive: true }),
  };
};
