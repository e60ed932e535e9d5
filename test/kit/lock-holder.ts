/** A process that takes a journal's lock and keeps it until it is killed. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { programOf } from "./machine.ts";

export type LockHolder = {
  /** Of the process that was started, which is not the holder's where another program starts it. */
  readonly child: ChildProcess;
  /** `held`, or the message with which it was refused. */
  readonly said: string;
  readonly kill: () => Promise<void>;
};

const LOCK = new URL("../../src/journal/lock/lock.ts", import.meta.url).href;

export const holderProgram = (dir: string, role: "gateway" | "command" = "gateway"): string => `
  import { takeLock } from ${JSON.stringify(LOCK)};
  const by = { command: "ocsgw test", role: ${JSON.stringify(role)} };
  const lock = await takeLock(${JSON.stringify(dir)}, by).catch((error) => error.message);
  process.stdout.write((typeof lock === "string" ? lock : "held") + "\\n");
  if (typeof lock !== "string") setInterval(() => lock.fault(), 1000);`;

type Options = {
  readonly role?: "gateway" | "command";
  /** What starts it, as unshare with its options. */ readonly by?: readonly string[];
};

export const lockHolder = async (dir: string, { role = "gateway", by = [] }: Options = {}): Promise<LockHolder> => {
  const [command, ...args] = [
    ...by,
    process.execPath,
    "--input-type=module-typescript",
    "--eval",
    holderProgram(dir, role),
  ];
  const child = spawn(command!, args, { stdio: ["ignore", "pipe", "inherit"] });
  const said = String((await once(child.stdout, "data"))[0]).trim();
  return {
    child,
    said,
    kill: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
};

/** Starts what follows as pid 1 of a pid namespace of its own, which ends with it. */
export const OTHER_NAMESPACE = [
  "unshare",
  "--user",
  "--map-root-user",
  "--pid",
  "--fork",
  "--kill-child",
  "--mount-proc",
] as const;

export const hasNamespaces = (): boolean =>
  programOf("unshare") !== undefined &&
  spawnSync(OTHER_NAMESPACE[0], [...OTHER_NAMESPACE.slice(1), "true"]).status === 0;
