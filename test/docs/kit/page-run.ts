/**
 * Runs the blocks of one page as a reader would: in their order, in one shell, in a folder of their own. The programs
 * `ocsgw`, `npx` and `npm` are the ones of this checkout.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import type { Ready } from "../../../src/cli/sandbox/screen.ts";
import { root } from "../../kit/command.ts";
import type { Block, Command, Setting } from "./blocks.ts";
import { compare } from "./shown-output.ts";
import { createAddresses, type Addresses } from "./usual-addresses.ts";

const LONGEST_MS = 60_000;
const READY = ".ready.json";

/** `problem`: undefined if the command did what the page says. */
export type Outcome = { readonly line: number; readonly command: string; readonly problem: string | undefined };

type Run = {
  readonly folder: string;
  readonly work: string;
  readonly shell: Shell;
  readonly addresses: Addresses;
  readonly names: Map<string, string>;
};

/** Resolves once everything that ran has ended, to what happened up to the first problem. */
export const runPage = async (blocks: readonly Block[], { place, before }: Setting): Promise<readonly Outcome[]> => {
  const folder = await mkdtemp(join(tmpdir(), "ocsgw-page-"));
  const outcomes: Outcome[] = [];
  let shell: Shell | undefined;
  try {
    await writePrograms(join(folder, ".bin"));
    // One level down, so that a page may make folders beside its own.
    const work = join(folder, "work");
    await mkdir(work);
    shell = openShell(folder, work);
    const run: Run = { folder, work, shell, addresses: await createAddresses(), names: new Map() };
    await prepare(run, place);
    for (const block of [{ ...NOTHING, commands: before }, ...blocks]) {
      for (const command of block.notRun === undefined ? block.commands : []) {
        const problem = await runCommand(run, block, command);
        outcomes.push({ line: block.line, command: command.text, problem });
        if (problem !== undefined) return outcomes;
      }
    }
    return outcomes;
  } finally {
    await shell?.end();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
};

const NOTHING: Block = { line: 0, isScript: false, commands: [], notRun: undefined, keepsRunning: undefined };

const prepare = async (run: Run, place: Setting["place"]): Promise<void> => {
  if (place === "sample") {
    await cp(join(root, "config"), join(run.work, "config"), { recursive: true });
    await adapt(run);
  }
  if (place !== "sandbox") return;
  const text = "ocsgw sandbox --state sandbox --dial-rate 0";
  const problem = await start(run, { text, exit: 0, shown: [] }, "Ctrl-C stops the sandbox");
  if (problem !== undefined) throw new Error(problem);
  await symlink("sandbox", join(run.work, "config"));
};

const runCommand = async (run: Run, block: Block, command: Command): Promise<string | undefined> => {
  if (block.keepsRunning !== undefined) return start(run, command, block.keepsRunning);
  const { code, output } = await run.shell.run(inRun(run, command.text), block.isScript);
  await adapt(run);
  const said = run.addresses.asUsual(output);
  if (code !== command.exit) return `ended with ${code}, not ${command.exit}:\n${said}`;
  return compared(run, command, said);
};

/** Without waiting for its end. */
const start = async (run: Run, command: Command, until: string): Promise<string | undefined> => {
  const output = await run.shell.start(inRun(run, command.text));
  // A sandbox prints its screen before its ready file is there, and later commands need both.
  let isReady = !/\bsandbox\b|\bnpm start\b/.test(command.text);
  for (const end = Date.now() + LONGEST_MS; Date.now() < end; await sleep(50)) {
    const said = await output();
    const ready = await readFile(join(run.folder, READY), "utf8").catch(() => undefined);
    if (ready !== undefined) {
      const addresses = JSON.parse(ready) as Ready;
      run.addresses.take(addresses);
      await writeFile(join(run.folder, ".control"), addresses.sandbox.url);
      await rm(join(run.folder, READY));
      isReady = true;
    }
    const usual = run.addresses.asUsual(said);
    if (isReady && usual.includes(until)) return compared(run, command, usual);
  }
  return `has not printed ${JSON.stringify(until)} after ${LONGEST_MS / 1000} s:\n${await output()}`;
};

const compared = (run: Run, command: Command, said: string): string | undefined => {
  const { missing, names } = compare(command.shown, said);
  for (const [shown, actual] of names) run.names.set(shown, actual);
  return missing === undefined ? undefined : `the page shows ${JSON.stringify(missing)}, and it printed:\n${said}`;
};

/** The command with the addresses of this run, and with the ids that this run got in place of those on the page. */
const inRun = ({ addresses, names }: Run, text: string): string =>
  addresses.inRun([...names].reduce((all, [shown, actual]) => all.replaceAll(shown, actual), text));

/** Config files that a command wrote name the usual addresses. */
const adapt = async ({ folder, addresses }: Run): Promise<void> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && /\.ya?ml$/.test(entry.name));
  for (const { parentPath, name } of files) {
    const file = join(parentPath, name);
    const text = await readFile(file, "utf8");
    const adapted = addresses.inRun(text);
    if (adapted !== text) await writeFile(file, adapted);
  }
};

type Ended = { readonly code: number; readonly output: string };

type Shell = {
  /** `isScript`: it ends at the first command that fails. */
  readonly run: (text: string, isScript: boolean) => Promise<Ended>;
  /** Resolves to what reads its output. */
  readonly start: (text: string) => Promise<() => Promise<string>>;
  readonly end: () => Promise<void>;
};

const openShell = (folder: string, work: string): Shell => {
  const bash = spawn("bash", ["--norc", "--noprofile"], {
    cwd: work,
    detached: true,
    stdio: ["pipe", "pipe", "ignore"],
    env: { ...process.env, PATH: `${join(folder, ".bin")}:${process.env["PATH"]}`, HOME: folder, TZ: "UTC" },
  });
  bash.stdin.on("error", () => undefined).write("set -o pipefail\n");
  const said = createInterface(bash.stdout)[Symbol.asyncIterator]();
  let count = 0;
  const file = (kind: string): string => join(folder, ".bin", `${kind}-${count}`);
  const next = async (text: string): Promise<readonly [script: string, output: string]> => {
    count++;
    await writeFile(file("command"), `${text}\n`);
    return [file("command"), file("output")];
  };
  return {
    run: async (text, isScript) => {
      const [script, output] = await next(text);
      const begin = isScript ? "set -e" : "set +e";
      bash.stdin.write(`${begin}; { . ${script}; } < /dev/null > ${output} 2>&1; echo $?\n`);
      const timer = setTimeout(() => kill(bash, "SIGKILL"), LONGEST_MS);
      const line = await said.next();
      clearTimeout(timer);
      const code = line.done === true ? 1 : Number(line.value);
      return { code, output: await readFile(output, "utf8") };
    },
    start: async (text) => {
      const [script, output] = await next(text);
      bash.stdin.write(`( . ${script} ) < /dev/null > ${output} 2>&1 &\n`);
      return () => readFile(output, "utf8").catch(() => "");
    },
    end: () => ended(bash),
  };
};

/** The shell and everything that it started: first as a reader would stop it. */
const ended = async (bash: ChildProcess): Promise<void> => {
  const isAlive = (): boolean => kill(bash, 0);
  kill(bash, "SIGTERM");
  for (const end = Date.now() + 10_000; isAlive() && Date.now() < end;) await sleep(50);
  kill(bash, "SIGKILL");
};

/** Of its process group; false if nothing is left of it. */
const kill = (bash: ChildProcess, signal: NodeJS.Signals | 0): boolean => {
  try {
    return process.kill(-bash.pid!, signal);
  } catch {
    return false;
  }
};

/** A sandbox takes free ports, and its commands find it there. */
const OCSGW = `#!/bin/bash
main="$OCSGW_MAIN"
if [ "$1" = sandbox ]; then
  case "$2 $3" in
    *) case " $* " in *" --ready-file "* | *" --url "*) exec "$NODE" "$main" "$@" ;; esac ;;
  esac
  case "$2 $3" in
    "" | " " | -*) exec "$NODE" "$main" "$@" --port 0 --ready-file "$PAGE/${READY}" ;;
    fidelity* | "fault kinds") ;;
    *) exec "$NODE" "$main" "$@" --url "$(cat "$PAGE/.control")" ;;
  esac
fi
exec "$NODE" "$main" "$@"
`;
const NPX = `#!/bin/bash
[ "$1" = --yes ] && shift
case "$1" in ocs-gateway | ocsgw) shift ;; *) echo "npx $1 is not of this checkout" >&2; exit 127 ;; esac
exec ocsgw "$@"
`;
const NPM = `#!/bin/bash
case "$*" in
  ci) exit 0 ;;
  start*) shift; [ "$1" = -- ] && shift; exec ocsgw sandbox "$@" ;;
  "run --silent ocsgw -- "*) shift 4; exec ocsgw "$@" ;;
esac
echo "npm $* is not for a page" >&2
exit 127
`;

const writePrograms = async (bin: string): Promise<void> => {
  await mkdir(bin);
  const folder = join(bin, "..");
  const settings = `export NODE=${process.execPath} OCSGW_MAIN=${join(root, "src/cli/main.ts")} PAGE=${folder}\n`;
  const programs = { ocsgw: OCSGW.replace("\n", `\n${settings}export OCSGW_COMMAND=ocsgw\n`), npx: NPX, npm: NPM };
  for (const [name, text] of Object.entries(programs)) {
    await writeFile(join(bin, name), text);
    await chmod(join(bin, name), 0o755);
  }
};
