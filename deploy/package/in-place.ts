/**
 * For `npm pack` in a checkout, which packs the folder that it is run in: `prepack` puts the package's files in place
 * of the checkout's, `postpack` puts the checkout's back. A process of its own does so if npm ends before.
 *
 *   node deploy/package/in-place.ts prepack | postpack
 */
import { spawn } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  rmdirSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { filesBelow } from "./modules.ts";
import { root, stagePackage } from "./stage.ts";

/** The checkout's own files while npm packs, and the list of changes. */
const kept = join(root, ".npm-pack");
const list = join(kept, "changes.json");

/** `replaced`: files whose originals are kept. `added`: files that the checkout does not have. */
type Changes = { readonly replaced: readonly string[]; readonly added: readonly string[] };

const GUARD_MS = 15 * 60_000;

const prepack = (): void => {
  if (existsSync(kept)) {
    throw new Error(
      "another npm pack is running here, or one was interrupted. If none is running: " +
        "node deploy/package/in-place.ts postpack",
    );
  }
  const staged = mkdtempSync(join(tmpdir(), "ocsgw-package-"));
  try {
    stagePackage(staged);
    putInPlace(staged);
  } finally {
    rmSync(staged, { recursive: true });
  }
};

const putInPlace = (staged: string): void => {
  const same = (path: string): boolean => readFileSync(join(root, path)).equals(readFileSync(join(staged, path)));
  const all = filesBelow(staged);
  const added = all.filter((path) => !existsSync(join(root, path)));
  const replaced = all.filter((path) => !added.includes(path) && !same(path));
  mkdirSync(kept);
  for (const path of replaced) {
    mkdirSync(join(kept, dirname(path)), { recursive: true });
    copyFileSync(join(root, path), join(kept, path));
  }
  writeFileSync(list, JSON.stringify({ replaced, added } satisfies Changes));
  guard();
  for (const path of [...added, ...replaced]) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    copyFileSync(join(staged, path), join(root, path));
  }
};

const postpack = (): void => {
  if (!existsSync(kept)) return;
  // Without a list nothing was changed yet.
  if (existsSync(list)) {
    const { replaced, added } = JSON.parse(readFileSync(list, "utf8")) as Changes;
    for (const path of added) rmSync(join(root, path), { force: true });
    for (const folder of foldersOf(added)) removeIfEmpty(join(root, folder));
    for (const path of replaced) if (existsSync(join(kept, path))) renameSync(join(kept, path), join(root, path));
  }
  rmSync(kept, { recursive: true });
};

/** The deepest first. */
const foldersOf = (paths: readonly string[]): readonly string[] => {
  const folders = new Set<string>();
  for (const path of paths) for (let each = dirname(path); each !== "."; each = dirname(each)) folders.add(each);
  return [...folders].toSorted((a, b) => b.split("/").length - a.split("/").length);
};

const removeIfEmpty = (folder: string): void => {
  try {
    rmdirSync(folder);
  } catch {
    // It has other files, or is gone.
  }
};

const guard = (): void => {
  const args = [
    "--disable-warning=ExperimentalWarning",
    import.meta.filename,
    "guard",
    String(npmProcess()),
    String(process.pid),
  ];
  spawn(process.execPath, args, { detached: true, stdio: "ignore", cwd: root }).unref();
};

/** npm runs scripts with a shell, which may have become this process. */
const npmProcess = (): number => {
  const stat = `/proc/${process.ppid}/stat`;
  if (!existsSync(stat)) return process.ppid;
  const [, name, above] = /^\d+ \((.*)\) \S+ (\d+)/.exec(readFileSync(stat, "utf8"))!;
  return /^(?:sh|dash|bash|busybox)$/.test(name!) ? Number(above) : process.ppid;
};

/** `pids`: npm and the prepack script. */
const waitAndRestore = async (pids: readonly number[]): Promise<void> => {
  const isRunning = (pid: number): boolean => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };
  const until = performance.now() + GUARD_MS;
  while (existsSync(kept) && pids.some(isRunning) && performance.now() < until)
    await new Promise((resolve) => setTimeout(resolve, 20));
  postpack();
};

const [command, ...pids] = process.argv.slice(2);
if (command === "prepack") prepack();
else if (command === "postpack") postpack();
else if (command === "guard") await waitAndRestore(pids.map(Number));
else {
  console.error("usage: node deploy/package/in-place.ts prepack | postpack");
  process.exitCode = 2;
}
